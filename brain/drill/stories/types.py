"""Types of the drill district's assets: what each measures, in which unit and range, and how an ordinary day looks.

Where config/demo has a type, name, metrics and units are the same, so that its scenarios fit. Values are a sample.
"""

from __future__ import annotations

from typing import NamedTuple


class Metric(NamedTuple):
    """One metric. ``typical`` its middle; ``daily`` half of its swing over a day, highest at hour ``peak``; ``noise``
    the standard deviation from one reading to the next; ``spread`` how far assets differ from each other, as a share.

    ``drivers``: weather → how much one unit of it adds (``brain.drill.stories.weather``). ``decimals`` as sent.
    ``above`` and ``below``: the plain limit that such an instrument is shipped with: the peer of ``bench/drill``.
    """

    unit: str
    low: float
    high: float
    typical: float
    daily: float = 0.0
    peak: float = 14.0
    noise: float = 0.0
    spread: float = 0.1
    decimals: int = 2
    drivers: dict[str, float] = {}  # noqa: RUF012  # a tuple's default, never written to
    above: float | None = None
    below: float | None = None


class Type(NamedTuple):
    """One type: how ``many`` a district has, owner, seconds between readings, where it stands, metrics by name.

    ``where``: crowd (as people are spread), even (by streets), main (on main roads), slope, river, reservoir, bridge,
    or a kind of site (brain/drill/city/sites.py), several with commas.
    """

    many: int
    owner: str
    every_s: int
    where: str
    metrics: dict[str, Metric]


_ECO, _WATER, _GAS, _FIRE = "生态环境局", "水务局", "燃气办", "消防救援支队"
_TRAFFIC, _URBAN, _WEATHER, _MARKET = "交通运输局", "城市管理和综合执法局", "气象局", "市场监督管理局"
_BUILD, _LAND, _EMERGENCY, _CARE = "住房和城乡建设局", "自然资源局", "应急管理局", "民政局"
_HEALTH, _ENERGY = "卫生健康局", "发展和改革局"

TYPES: dict[str, Type] = {
    # 三防: rain, wind, water
    "rain": Type(16, _WEATHER, 60, "even", {
        "mm_1h": Metric("mm", 0, 300, 0, spread=0.15, decimals=1, drivers={"mm_1h": 1}, above=40),
        "mm_3h": Metric("mm", 0, 600, 0, spread=0.15, decimals=1, drivers={"mm_3h": 1}, above=60),
        "mm_6h": Metric("mm", 0, 900, 0, spread=0.15, decimals=1, drivers={"mm_6h": 1}, above=100)}),
    "wind": Type(24, _WEATHER, 300, "even", {
        "wind_speed": Metric("m/s", 0, 75, 0.3, noise=0.5, spread=0.2, decimals=1, drivers={"wind": 1}, above=17.2),
        "wind_gust": Metric("m/s", 0, 90, 0.6, noise=0.9, spread=0.2, decimals=1, drivers={"wind": 1.45}, above=24.5),
        "wind_direction": Metric("deg", 0, 360, 0, noise=6, spread=0, decimals=0, drivers={"wind_from": 1})}),
    "weather": Type(12, _WEATHER, 600, "even", {
        "temperature": Metric("Cel", -40, 60, 0, noise=0.15, spread=0, decimals=1, drivers={"temperature": 1},
            above=37),
        "humidity": Metric("%RH", 0, 100, 0, noise=0.8, spread=0, decimals=0, drivers={"humidity": 1}),
        "pressure": Metric("hPa", 850, 1100, 0, noise=0.1, spread=0, decimals=1, drivers={"pressure": 1}),
        "visibility": Metric("m", 0, 30000, 0, noise=300, spread=0.05, decimals=0, drivers={"visibility": 1},
            below=500)}),
    "water_level": Type(50, _WATER, 60, "river", {
        "water_level": Metric("m", -2, 12, 0.9, noise=0.015, spread=0.25, decimals=3, drivers={"tide": 0.35,
            "river": 1},
                              above=2.5)}),
    "flow": Type(20, _WATER, 60, "river", {
        "flow": Metric("m3/s", 0, 5000, 12, noise=0.4, spread=0.4, decimals=1, drivers={"river": 40}, above=160)}),
    "ponding": Type(60, _WATER, 60, "underpass,metro_station,bus_hub,mall", {
        "ponding": Metric("cm", 0, 300, 0.2, noise=0.2, spread=0.3, decimals=1, drivers={"puddle": 1}, above=15)}),
    "reservoir": Type(12, _WATER, 300, "reservoir", {
        "reservoir_level": Metric("m", 0, 600, 60, noise=0.01, spread=0.5, decimals=3, drivers={"river": 0.3}),
        "inflow": Metric("m3/s", 0, 3000, 2, noise=0.1, spread=0.3, decimals=2, drivers={"river": 18}, above=60),
        "seepage": Metric("L/s", 0, 200, 4, noise=0.05, spread=0.3, decimals=2, drivers={"wet": 0.6}, above=12)}),
    "tide": Type(6, _LAND, 60, "river", {
        "tide": Metric("m", -3, 8, 0, noise=0.02, spread=0, decimals=3, drivers={"tide": 1, "surge": 1}, above=3.0)}),
    "pump": Type(40, _WATER, 300, "pump_station", {
        "pump_current": Metric("A", 0, 2000, 60, noise=2, spread=0.3, decimals=1, drivers={"mm_1h": 3}, above=600),
        "sump_level": Metric("m", 0, 12, 1.8, noise=0.03, spread=0.2, decimals=2, drivers={"mm_1h": 0.03}, above=5)}),
    "sewer": Type(60, _WATER, 300, "even", {
        "sewer_level": Metric("m", 0, 15, 0.8, daily=0.2, peak=20, noise=0.02, spread=0.3, drivers={"mm_1h": 0.04},
            above=4),
        "methane": Metric("%LEL", 0, 100, 1.5, noise=0.2, spread=0.5, decimals=1, above=25),
        "h2s": Metric("umol/mol", 0, 100, 0.8, noise=0.15, spread=0.5, decimals=1, above=10)}),
    "manhole": Type(120, _URBAN, 60, "crowd", {"manhole": Metric("deg", 0, 180, 1.0, noise=0.2, spread=0.5,
            decimals=1, above=15)}),
    "pipe_pressure": Type(60, _WATER, 60, "even", {
        "pipe_pressure": Metric("MPa", 0, 2, 0.34, daily=-0.03, peak=20, noise=0.004, spread=0.1, decimals=3,
            below=0.18)}),
    # 危险化学品, 燃气
    "gas": Type(200, _GAS, 60, "crowd", {"gas": Metric("%LEL", 0, 100, 1.2, noise=0.3, spread=0.5, decimals=1,
            above=25)}),
    "gas_pressure": Type(40, _GAS, 60, "even", {
        "gas_pressure": Metric("kPa", 0, 4000, 2.4, daily=-0.2, peak=18.5, noise=0.03, spread=0.05, below=1.2)}),
    "chlorine": Type(60, _EMERGENCY, 60, "chemical_plant,hazmat_warehouse,factory", {
        "chlorine": Metric("umol/mol", 0, 20, 0.03, noise=0.015, spread=0.4, decimals=3, above=1)}),
    "toxic_gas": Type(30, _EMERGENCY, 60, "chemical_plant,hazmat_warehouse", {
        "h2s": Metric("umol/mol", 0, 100, 0.5, noise=0.12, spread=0.4, decimals=1, above=10),
        "nh3": Metric("umol/mol", 0, 200, 1.5, noise=0.3, spread=0.4, decimals=1, above=25)}),
    "tank": Type(20, _EMERGENCY, 300, "chemical_plant,lpg_station", {
        "tank_level": Metric("%", 0, 100, 55, daily=8, noise=0.05, spread=0.2, decimals=1, above=90),
        "tank_pressure": Metric("MPa", 0, 4, 0.8, daily=0.06, noise=0.003, spread=0.1, decimals=3, above=1.6),
        "tank_temperature": Metric("Cel", -40, 120, 0, daily=2, noise=0.1, spread=0, decimals=1,
            drivers={"temperature": 1},
                                   above=50)}),
    "voc": Type(30, _ECO, 60, "chemical_plant,hazmat_warehouse,factory", {
        "voc": Metric("mg/m3", 0, 500, 0.35, daily=0.1, noise=0.05, spread=0.4, decimals=2, above=4)}),
    # 智慧消防
    "smoke": Type(260, _FIRE, 60, "mall,market,hotel,elderly_home,hospital,factory,kindergarten,school", {
        "smoke": Metric("%/m", 0, 100, 0.15, noise=0.06, spread=0.5, decimals=2, above=5)}),
    "heat": Type(70, _FIRE, 60, "mall,hotel,factory,hazmat_warehouse", {
        "heat": Metric("Cel", -40, 300, 3, daily=1, noise=0.2, spread=0, decimals=1, drivers={"temperature": 1},
            above=60)}),
    "electrical": Type(60, _FIRE, 60, "market,factory,hotel,school", {
        "leakage_current": Metric("mA", 0, 3000, 60, daily=15, noise=4, spread=0.4, decimals=0, above=300),
        "cable_temperature": Metric("Cel", -40, 200, 8, daily=4, peak=19, noise=0.3, spread=0, decimals=1,
                                    drivers={"temperature": 1}, above=70)}),
    "hydrant": Type(60, _FIRE, 60, "even", {
        "hydrant": Metric("MPa", 0, 2, 0.32, daily=-0.03, peak=20, noise=0.004, spread=0.1, decimals=3, below=0.14)}),
    # 市场监管: lifts, food
    "elevator": Type(100, _MARKET, 60, "mall,hotel,hospital,metro_station,elderly_home,office", {
        "stopped_s": Metric("s", 0, 86400, 0, spread=0, decimals=0, above=120),
        "people_inside": Metric("1", 0, 40, 2, daily=2, peak=18, noise=1.2, spread=0.3, decimals=0),
        "elevator_vibration": Metric("m/s2", 0, 50, 0.25, noise=0.06, spread=0.3, decimals=2, above=1.5)}),
    "cold_chain": Type(80, _MARKET, 60, "market,mall,hospital,hotel", {
        "cold_temperature": Metric("Cel", -40, 40, 4, daily=0.4, noise=0.25, spread=0.1, decimals=1, above=8)}),
    "kitchen": Type(50, _MARKET, 300, "hotel,school,mall,hospital,kindergarten", {
        "fume": Metric("mg/m3", 0, 50, 0.5, daily=0.35, peak=12, noise=0.12, spread=0.3, decimals=2, above=2),
        "kitchen_temperature": Metric("Cel", -10, 120, 5, daily=4, peak=12, noise=0.4, spread=0, decimals=1,
                                      drivers={"temperature": 1}, above=60)}),
    "scale": Type(20, _MARKET, 600, "market", {"scale": Metric("%", -100, 100, 0, noise=0.12, spread=0, decimals=2,
            above=2)}),
    # 生态环境
    "water_quality": Type(30, _ECO, 300, "river", {
        "do": Metric("mg/L", 0, 20, 6.8, daily=0.5, noise=0.08, spread=0.06, decimals=2, below=3),
        "codmn": Metric("mg/L", 0, 100, 3.6, noise=0.12, spread=0.1, decimals=2, drivers={"wet": 0.15}, above=10),
        "nh3n": Metric("mg/L", 0, 100, 0.4, noise=0.03, spread=0.2, decimals=3, drivers={"wet": 0.02}, above=1.5),
        "tp": Metric("mg/L", 0, 20, 0.08, noise=0.006, spread=0.2, decimals=3, drivers={"wet": 0.005}, above=0.3),
        "ph": Metric("1", 0, 14, 7.4, noise=0.04, spread=0.02, decimals=2, below=6),
        "conductivity": Metric("uS/cm", 0, 20000, 320, noise=6, spread=0.15, decimals=0, above=1200),
        "turbidity": Metric("NTU", 0, 4000, 18, noise=1.5, spread=0.3, decimals=1, drivers={"mm_1h": 4}, above=400)}),
    "air": Type(20, _ECO, 3600, "even", {
        "pm25": Metric("ug/m3", 0, 2000, 32, daily=-8, noise=3, spread=0.15, decimals=0, drivers={"haze": 30},
            above=150),
        "pm10": Metric("ug/m3", 0, 3000, 55, daily=-10, noise=5, spread=0.15, decimals=0, drivers={"haze": 45},
            above=250),
        "so2": Metric("ug/m3", 0, 3000, 9, noise=1, spread=0.2, decimals=0, above=500),
        "no2": Metric("ug/m3", 0, 2000, 34, daily=9, peak=19, noise=3, spread=0.2, decimals=0, above=200),
        "co": Metric("ug/m3", 0, 50000, 700, daily=90, peak=19, noise=40, spread=0.15, decimals=0, above=10000),
        "o3": Metric("ug/m3", 0, 2000, 80, daily=45, peak=15, noise=5, spread=0.1, decimals=0, above=200)}),
    "noise": Type(60, _ECO, 60, "crowd", {
        "noise": Metric("dB(A)", 20, 140, 56, daily=7, peak=15, noise=1.6, spread=0.06, decimals=1, above=75)}),
    "dust": Type(30, _BUILD, 60, "construction_site", {
        "dust": Metric("ug/m3", 0, 5000, 110, daily=50, peak=14, noise=12, spread=0.3, decimals=0,
            drivers={"haze": 40}, above=500)}),
    "crane": Type(16, _BUILD, 300, "construction_site", {
        "crane_wind": Metric("m/s", 0, 75, 0.5, noise=0.6, spread=0.2, decimals=1, drivers={"wind": 1.2}, above=13.8),
        "crane_load": Metric("%", 0, 200, 22, daily=22, peak=14, noise=6, spread=0.2, decimals=0, above=100)}),
    # 边坡桥梁, 房屋
    "slope": Type(50, _LAND, 300, "slope", {
        "displacement": Metric("mm", -2000, 2000, 3, noise=0.25, spread=0.5, decimals=1, drivers={"wet": 0.4},
            above=30),
        "tilt": Metric("deg", -90, 90, 0.4, noise=0.02, spread=0.5, decimals=3, above=3),
        "soil_moisture": Metric("%", 0, 100, 24, noise=0.3, spread=0.1, decimals=1, drivers={"wet": 6})}),
    "bridge": Type(20, _TRAFFIC, 300, "bridge", {
        "vibration": Metric("m/s2", 0, 50, 0.12, daily=0.05, peak=18, noise=0.02, spread=0.2, decimals=3,
                            drivers={"wind": 0.004}, above=0.6),
        "strain": Metric("ue", -10000, 10000, 120, daily=25, noise=4, spread=0.2, decimals=0, above=600)}),
    "building": Type(30, _BUILD, 60, "school,hospital,market", {
        "building_tilt": Metric("permil", -100, 100, 0.6, noise=0.02, spread=0.5, decimals=3, above=4)}),
    # 智慧交通, 市容
    "traffic": Type(70, _TRAFFIC, 300, "main", {
        "vehicle_count": Metric("1/h", 0, 12000, 900, daily=650, peak=16, noise=60, spread=0.3, decimals=0, above=3500),
        "speed": Metric("km/h", 0, 200, 46, daily=-8, peak=17.5, noise=2.5, spread=0.1, decimals=0,
            drivers={"mm_1h": -0.3},
                        below=12)}),
    "parking": Type(30, _URBAN, 60, "crowd", {"parking": Metric("1", 0, 5000, 120, daily=70, peak=14, noise=3,
            spread=0.4, decimals=0)}),
    "street_light": Type(30, _URBAN, 60, "crowd", {
        "street_light": Metric("A", 0, 50, 5, daily=-5, peak=12, noise=0.1, spread=0.1, decimals=2, above=20)}),
    "bin": Type(20, _URBAN, 600, "crowd", {"bin": Metric("%", 0, 100, 45, daily=25, peak=20, noise=2, spread=0.2,
            decimals=0, above=97)}),
    # 公共服务, 经济, 公共卫生
    "care_button": Type(40, _CARE, 60, "elderly_home,clinic", {"care_button": Metric("1", 0, 1, 0, spread=0,
            decimals=0, above=0.5)}),
    "clinic": Type(20, _HEALTH, 3600, "hospital,clinic,school", {
        "fever_visits": Metric("1/h", 0, 500, 5, daily=3, peak=10, noise=1.2, spread=0.3, decimals=0, above=25),
        "diarrhoea_visits": Metric("1/h", 0, 500, 2, daily=1, peak=10, noise=0.8, spread=0.3, decimals=0, above=15)}),
    "power_load": Type(40, _ENERGY, 60, "factory", {
        "power_load": Metric("kW", 0, 50000, 900, daily=350, peak=14, noise=25, spread=0.4, decimals=0)}),
}  # fmt: skip
"""By the type's name. ``every_s`` is a multiple of 60: time goes in whole minutes."""

CAMERA = Type(100, "公安局", 60, "crowd", {
    "person_count": Metric("1", 0, 10000, 5, daily=5, peak=17, noise=1.5, spread=0.6, decimals=0, above=30),
    "vehicle_count": Metric("1", 0, 10000, 4, daily=3, peak=17, noise=1.2, spread=0.6, decimals=0)})  # fmt: skip
"""Cameras: half by streets, the rest at key sites. Their frames come as detections of objects, once a minute."""
