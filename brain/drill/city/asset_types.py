"""Types of sensing assets: what each measures, in which unit and range, how often, for whom, and where it stands."""

from __future__ import annotations

from typing import NamedTuple


class AssetType(NamedTuple):
    """One type. ``measures``: metric → unit, lowest, highest; one of the type's own name is written short.

    ``where``: crowd or even (by streets), main (on main roads), slope, river, reservoir, shore (sea in sight of land),
    sea, bridge, or a kind of site, several with commas. ``water``: it stands in water;
    else on land, but for what is on a bridge.
    """

    share: float
    owner: str
    every_s: float
    where: str
    measures: dict[str, tuple[str, float, float]]
    water: bool = False


_ECO, _WATER, _GAS, _FIRE = "生态环境局", "水务局", "燃气办", "消防救援支队"
_TRAFFIC, _URBAN, _WEATHER, _MARKET = "交通运输局", "城市管理和综合执法局", "气象局", "市场监督管理局"
_BUILD, _LAND, _EMERGENCY, _CARE = "住房和城乡建设局", "自然资源局", "应急管理局", "民政局"

TYPES = {
    "air": AssetType(1.6, _ECO, 3600, "even", {
        "pm25": ("ug/m3", 0, 2000), "pm10": ("ug/m3", 0, 3000), "so2": ("ug/m3", 0, 3000),
        "no2": ("ug/m3", 0, 2000), "co": ("ug/m3", 0, 50000), "o3": ("ug/m3", 0, 2000)}),
    "noise": AssetType(4.0, _ECO, 60, "crowd", {"noise": ("dB(A)", 20, 140)}),
    "voc": AssetType(2.0, _ECO, 60, "chemical_plant,hazmat_warehouse", {"voc": ("mg/m3", 0, 500)}),
    "toxic_gas": AssetType(2.0, _EMERGENCY, 10, "chemical_plant,hazmat_warehouse", {
        "h2s": ("umol/mol", 0, 100), "nh3": ("umol/mol", 0, 200), "cl2": ("umol/mol", 0, 20)}),
    "tank": AssetType(1.6, _EMERGENCY, 10, "chemical_plant,lpg_station", {
        "tank_level": ("%", 0, 100), "tank_pressure": ("MPa", 0, 4), "tank_temperature": ("Cel", -40, 120)}),
    "water_quality": AssetType(1.4, _ECO, 600, "river", {
        "do": ("mg/L", 0, 20), "ph": ("1", 0, 14), "cod": ("mg/L", 0, 500), "nh3n": ("mg/L", 0, 50),
        "turbidity": ("NTU", 0, 4000)}, water=True),
    "water_level": AssetType(3.0, _WATER, 60, "river", {"water_level": ("m", -2, 400)}, water=True),
    "flow": AssetType(1.0, _WATER, 60, "river", {"flow": ("m3/s", 0, 5000)}, water=True),
    "reservoir_level": AssetType(0.6, _WATER, 60, "reservoir", {
        "reservoir_level": ("m", 0, 600), "inflow": ("m3/s", 0, 3000)}, water=True),
    "dam_safety": AssetType(0.5, _WATER, 600, "dam", {"seepage": ("L/s", 0, 200), "settlement": ("mm", -500, 500)}),
    "rain": AssetType(3.0, _WEATHER, 60, "even", {"rain": ("mm", 0, 60)}),
    "weather": AssetType(1.0, _WEATHER, 60, "even", {
        "temperature": ("Cel", -40, 60), "humidity": ("%RH", 0, 100), "wind_speed": ("m/s", 0, 75),
        "wind_direction": ("deg", 0, 360), "pressure": ("hPa", 850, 1100)}),
    "tide": AssetType(0.4, _LAND, 60, "shore", {"tide": ("m", -3, 8)}, water=True),
    "buoy": AssetType(0.4, _LAND, 600, "sea", {
        "wave_height": ("m", 0, 20), "wave_period": ("s", 0, 30), "sea_temperature": ("Cel", -5, 45)}, water=True),
    "vessel": AssetType(2.0, _TRAFFIC, 10, "shore", {"vessel": ("kn", 0, 60)}, water=True),
    "flood_depth": AssetType(4.0, _WATER, 60, "underpass,metro_station,bus_hub", {"flood_depth": ("m", 0, 5)}),
    "pump": AssetType(2.0, _WATER, 30, "pump_station", {"pump_current": ("A", 0, 2000), "pump_on": ("1", 0, 1)}),
    "sewer": AssetType(5.0, _WATER, 300, "even", {"sewer_level": ("m", 0, 15), "methane": ("%LEL", 0, 100)}),
    "manhole": AssetType(7.0, _URBAN, 3600, "crowd", {"manhole": ("deg", 0, 180)}),
    "pipe_pressure": AssetType(3.0, _WATER, 60, "even", {"pipe_pressure": ("MPa", 0, 2)}),
    "gas": AssetType(8.0, _GAS, 10, "crowd", {"gas": ("%LEL", 0, 100)}),
    "gas_pressure": AssetType(2.0, _GAS, 60, "even", {"gas_pressure": ("kPa", 0, 4000)}),
    "smoke": AssetType(11.0, _FIRE, 10, "mall,market,hotel,elderly_home,hospital,factory", {"smoke": ("%/m", 0, 100)}),
    "hydrant": AssetType(4.0, _FIRE, 300, "even", {"hydrant": ("MPa", 0, 2)}),
    "electrical": AssetType(5.0, _FIRE, 60, "market,factory,hotel,school", {
        "leakage_current": ("mA", 0, 3000), "cable_temperature": ("Cel", -40, 200)}),
    "slope": AssetType(2.0, _LAND, 600, "slope", {"displacement": ("mm", -2000, 2000), "tilt": ("deg", -90, 90)}),
    "bridge": AssetType(0.5, _TRAFFIC, 10, "bridge", {
        "vibration": ("m/s2", -50, 50), "strain": ("1", -0.01, 0.01)}),
    "traffic": AssetType(6.0, _TRAFFIC, 60, "main", {"vehicle_count": ("1/h", 0, 12000), "speed": ("km/h", 0, 200)}),
    "parking": AssetType(3.0, _URBAN, 60, "crowd", {"parking": ("1", 0, 5000)}),
    "street_light": AssetType(4.0, _URBAN, 3600, "crowd", {"street_light": ("A", 0, 50)}),
    "bin": AssetType(3.0, _URBAN, 3600, "crowd", {"bin": ("%", 0, 100)}),
    "elevator": AssetType(4.0, _MARKET, 5, "mall,hotel,hospital,metro_station", {
        "elevator_vibration": ("m/s2", -50, 50), "elevator_stopped": ("1", 0, 1)}),
    "scale": AssetType(1.5, _MARKET, 600, "market", {"scale": ("%", -100, 100)}),
    "dust": AssetType(1.6, _BUILD, 60, "construction_site", {"dust": ("ug/m3", 0, 5000)}),
    "crane": AssetType(1.4, _BUILD, 10, "construction_site", {
        "crane_wind": ("m/s", 0, 75), "crane_load": ("%", 0, 200)}),
    "care_button": AssetType(3.0, _CARE, 3600, "elderly_home,clinic", {"care_button": ("1", 0, 1)}),
    "fire_engine": AssetType(0.8, _FIRE, 5, "fire_station", {"fire_engine": ("km/h", 0, 160)}),
    "sanitation_truck": AssetType(0.7, _URBAN, 10, "even", {"sanitation_truck": ("km/h", 0, 120)}),
}  # fmt: skip
"""By the type's name; shares are of 100, about."""

CAMERA = AssetType(0.0, "公安局", 0.2, "crowd", {"person_count": ("1", 0, 10000), "vehicle_count": ("1", 0, 10000)})
"""Cameras are assets too, beside the sensors: their frames come as video metadata."""
