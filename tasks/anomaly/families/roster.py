"""All model families, by the name that stored models bear.

Neural ones stand here too where PyTorch is not installed: a stored model of theirs then says what
is missing. PyTorch itself is only loaded when one of them fits or scores.
"""

from importlib.util import find_spec

from tasks.anomaly.families.autoencoder import Autoencoder
from tasks.anomaly.families.boosted_residual import BoostedResidual
from tasks.anomaly.families.channel_neighbor import ChannelNeighbor
from tasks.anomaly.families.cluster_distance import ClusterDistance
from tasks.anomaly.families.cnn_forecast import CnnForecast
from tasks.anomaly.families.dynamic_threshold import DynamicThreshold
from tasks.anomaly.families.ensemble import Ensemble
from tasks.anomaly.families.family import Family
from tasks.anomaly.families.gaussian_mixture import GaussianMixture
from tasks.anomaly.families.lasting import Lasting
from tasks.anomaly.families.lstm_forecast import LstmForecast
from tasks.anomaly.families.nearest_subsequence import NearestSubsequence
from tasks.anomaly.families.principal_components import PrincipalComponents
from tasks.anomaly.families.recent_change import RecentChange
from tasks.anomaly.families.robust_covariance import RobustCovariance
from tasks.anomaly.families.transformer import Transformer

_ALWAYS: tuple[Family, ...] = (
    DynamicThreshold(),
    PrincipalComponents(),
    RobustCovariance(),
    GaussianMixture(),
    NearestSubsequence(),
    ClusterDistance(),
    ChannelNeighbor(),
    BoostedResidual(),
    RecentChange(RobustCovariance()),
    Lasting(RobustCovariance()),
    Ensemble((RobustCovariance(), GaussianMixture(), NearestSubsequence())),
)
_NEURAL: tuple[Family, ...] = (CnnForecast(), LstmForecast(), Autoencoder(), Transformer())

FAMILIES: dict[str, Family] = {family.name: family for family in (*_ALWAYS, *_NEURAL)}
"""Every family that a stored model can name."""


def installed_families() -> dict[str, Family]:
    """Return the families that can fit and score with what is installed here."""
    lacks = {family.name for family in _NEURAL} if find_spec("torch") is None else set[str]()
    return {name: family for name, family in FAMILIES.items() if name not in lacks}
