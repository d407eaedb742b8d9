"""All risk models by name, as shipped. One that is not here is not measured by the bench, and does not count as one."""

from __future__ import annotations

from collections.abc import Mapping

from models.standards.air import AirQuality
from models.standards.crowd import Crowd
from models.standards.fire import Fire
from models.standards.flood import Reservoir, RiverFlood, Waterlogging
from models.standards.gas import CombustibleGas, ToxicGas
from models.standards.hazard import MajorHazard
from models.standards.model import RiskModel
from models.standards.plume import Plume
from models.standards.road import Congestion, RoadVisibility
from models.standards.venue import Elevator, FoodTemperature, KitchenFume
from models.standards.water import WaterClass
from models.standards.weather import GuangdongRain, GuangdongTyphoon, RainSignal, TyphoonSignal

MODELS: Mapping[str, RiskModel] = {
    model.name: model
    for model in (
        AirQuality(), WaterClass(), RainSignal(), GuangdongRain(), TyphoonSignal(), GuangdongTyphoon(),
        CombustibleGas(), ToxicGas(), MajorHazard(), Plume(), RiverFlood(), Reservoir(), Waterlogging(), Crowd(),
        RoadVisibility(), Congestion(), Fire(), Elevator(), KitchenFume(), FoodTemperature(),
    )
}  # fmt: skip
