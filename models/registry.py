"""All detectors by name. One that is not here is not run by the conformance suite, and does not count as one."""

from __future__ import annotations

from collections.abc import Mapping

from models.autoregressive import AutoregressiveResidual
from models.combine import Combiner
from models.cusum import LevelShift
from models.detector import Detector
from models.drift import Drift
from models.ewma import EwmaZScore
from models.flatline import Flatline
from models.halfspace import HalfSpaceTrees
from models.neighbours import NeighbourDisagreement
from models.noise import Noise
from models.novelty import PatternNovelty
from models.quantile import QuantileResidual
from models.rate import RateOfChange
from models.robust import RobustEwma
from models.seasonal import SeasonalProfile
from models.silence import Silence
from models.skew import ClockSkew
from models.spike import Spike
from models.surge import CountSurge
from models.trust import AssetTrust

DETECTORS: Mapping[str, type[Detector]] = {
    "ewma": EwmaZScore,
    "robust": RobustEwma,
    "quantile": QuantileResidual,
    "level_shift": LevelShift,
    "rate": RateOfChange,
    "seasonal": SeasonalProfile,
    "autoregressive": AutoregressiveResidual,
    "neighbours": NeighbourDisagreement,
    "spike": Spike,
    "clock_skew": ClockSkew,
    "flatline": Flatline,
    "drift": Drift,
    "noise": Noise,
    "silence": Silence,
    "surge": CountSurge,
    "novelty": PatternNovelty,
    "half_space_trees": HalfSpaceTrees,
    "combiner": Combiner,
    "trust": AssetTrust,
}
