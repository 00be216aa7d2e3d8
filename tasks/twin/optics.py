"""Optical channels: signal to noise, bit errors before and after correction, errored seconds.

Q factor to bit error ratio: BER = erfc(Q / sqrt 2) / 2. Correction is Reed-Solomon RS(255,239) of
ITU-T G.709 annex A: a code word of 255 bytes survives 8 wrong ones. A second is errored with any
uncorrected word (ITU-T G.8201), severely errored with 15 % of its blocks errored.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import bdtrc, erfc, ndtr

Array = npt.NDArray[np.floating[Any]]

_WORD_BYTES = 255
_CORRECTED_BYTES = 8
_WORDS_A_SECOND = 2.0e8
_WORDS_A_BLOCK = 64
_WORDS_A_PACKET = 6.4
_SEVERE_SHARE = 0.15
SOUND_Q_DB = 13.0
_LAUNCHED_DBM = -3.0
_LOSS_DB_A_KM = 0.25
_LOSS_DB_AT_ENDS = 5.0


def bit_error_ratio(q_db: Array) -> Array:
    """Return the bit error ratio before correction."""
    return np.asarray(0.5 * erfc(10.0 ** (q_db / 20.0) / np.sqrt(2.0)))


def word_error_ratio(ber: Array) -> Array:
    """Return the share of code words that correction cannot save."""
    wrong_byte = -np.expm1(8.0 * np.log1p(-np.asarray(ber, dtype=np.float64)))
    return np.asarray(bdtrc(_CORRECTED_BYTES, _WORD_BYTES, wrong_byte))


def packet_loss(ber: Array) -> Array:
    """Return the share of packets that are lost to uncorrected words."""
    return np.asarray(-np.expm1(_WORDS_A_PACKET * np.log1p(-word_error_ratio(ber))))


def errored_second_chance(ber: Array) -> Array:
    """Return the chance that a second is errored."""
    return np.asarray(-np.expm1(-_WORDS_A_SECOND * word_error_ratio(ber)))


def severely_errored_second_chance(ber: Array) -> Array:
    """Return the chance that a second is severely errored."""
    block = -np.expm1(_WORDS_A_BLOCK * np.log1p(-word_error_ratio(ber)))
    return np.asarray(ndtr((block - _SEVERE_SHARE) / 0.02) * (block > 0.0))


def received_power_dbm(length_km: Array) -> Array:
    """Return the power that a sound channel's receiver sees."""
    return np.asarray(_LAUNCHED_DBM - _LOSS_DB_AT_ENDS - _LOSS_DB_A_KM * length_km)
