"""All model families, by the name that stored models bear."""

from tasks.anomaly.families.channel_neighbor import ChannelNeighbor
from tasks.anomaly.families.cluster_distance import ClusterDistance
from tasks.anomaly.families.dynamic_threshold import DynamicThreshold
from tasks.anomaly.families.family import Family
from tasks.anomaly.families.gaussian_mixture import GaussianMixture
from tasks.anomaly.families.nearest_subsequence import NearestSubsequence
from tasks.anomaly.families.principal_components import PrincipalComponents
from tasks.anomaly.families.robust_covariance import RobustCovariance

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        DynamicThreshold(),
        PrincipalComponents(),
        RobustCovariance(),
        GaussianMixture(),
        NearestSubsequence(),
        ClusterDistance(),
        ChannelNeighbor(),
    )
}
