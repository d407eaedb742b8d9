"""Cold stores, vaccine fridges and kitchens 冷库、疫苗冰箱与后厨: warmth as exposure, failing cold, heat that nobody tends."""
