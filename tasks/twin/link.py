"""The radio link: SINR to channel quality, modulation and coding, spectral efficiency, error rate.

Sources: 3GPP TS 38.214 table 5.2.2.1-3 (CQI, 256QAM) and table 5.1.3.1-2 (MCS, 256QAM); the
truncated Shannon bound of 3GPP TR 36.942 annex A.2 maps SINR to efficiency.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]

CQI_EFFICIENCY = np.array(
    [0.0, 0.1523, 0.3770, 0.8770, 1.4766, 1.9141, 2.4063, 2.7305, 3.3223, 3.9023, 4.5234,
     5.1152, 5.5547, 6.2266, 6.9141, 7.4063]
)  # fmt: skip
"""Spectral efficiency in bit/s/Hz of one layer at CQI 0 to 15."""

MCS_EFFICIENCY = np.array(
    [0.2344, 0.3770, 0.6016, 0.8770, 1.1758, 1.4766, 1.6953, 1.9141, 2.1602, 2.4063, 2.5703,
     2.7305, 3.0293, 3.3223, 3.6094, 3.9023, 4.2129, 4.5234, 4.8164, 5.1152, 5.3320, 5.5547,
     5.8906, 6.2266, 6.5703, 6.9141, 7.1602, 7.4063]
)  # fmt: skip
"""Spectral efficiency in bit/s/Hz of one layer at MCS 0 to 27."""

CQI_BINS = 16
MCS_BINS = 32

SHANNON_SHARE = 0.75
"""Of Shannon's bound, what a link bears."""

_UPLINK_SHARE = 0.6
_UPLINK_CEILING = 5.5547


def efficiency(sinr_db: Array) -> Array:
    """Return the spectral efficiency of one layer, in bit/s/Hz, that a link of this SINR bears."""
    shannon = SHANNON_SHARE * np.log2(1.0 + 10.0 ** (sinr_db / 10.0))
    return np.asarray(np.minimum(shannon, CQI_EFFICIENCY[-1]))


def cqi(sinr_db: Array) -> npt.NDArray[np.int64]:
    """Return the highest CQI, 0 to 15, whose efficiency the link bears."""
    return np.searchsorted(CQI_EFFICIENCY, efficiency(sinr_db), side="right") - 1


def uplink_efficiency(snr_db: Array) -> Array:
    """Return the uplink's spectral efficiency in bit/s/Hz: one layer, up to 64QAM."""
    shannon = _UPLINK_SHARE * np.log2(1.0 + 10.0 ** (snr_db / 10.0))
    return np.asarray(np.minimum(shannon, _UPLINK_CEILING))


def mcs_of_cqi() -> Array:
    """Return the share of transmissions at each MCS (columns, 0 to 31) given the CQI (rows).

    Link adaptation follows the CQI and wanders around it, hence a spread of about 1.5 indexes.
    """
    index = np.arange(MCS_BINS)
    target = np.interp(CQI_EFFICIENCY, MCS_EFFICIENCY, np.arange(len(MCS_EFFICIENCY)))
    weight = np.exp(-0.5 * ((index[None, :] - target[:, None]) / 1.5) ** 2)
    weight[:, len(MCS_EFFICIENCY) :] = 0.0
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def mean_rank(sinr_db: Array, layers: Array | float) -> Array:
    """Return the mean number of spatial layers used, from 1 up to what the antennas allow."""
    return np.asarray(1.0 + (layers - 1.0) / (1.0 + np.exp(-(sinr_db - 12.0) / 5.0)))
