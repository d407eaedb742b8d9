"""Cold stores, vaccine fridges and kitchens 冷链与后厨: warmth as exposure, failing cold, heat that nobody tends."""
