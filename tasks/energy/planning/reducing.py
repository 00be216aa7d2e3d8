"""Leaves out choices that no best plan needs, or that none can make."""

from dataclasses import replace

import numpy as np

from tasks.energy.planning.problem import IS_OFF
from tasks.energy.planning.terms import TOLERANCE, Terms, arriving


def reduced(terms: Terms) -> Terms:
    """Return the terms without choices that cannot be part of a plan, or need not be."""
    return _without_dominated(_without_hopeless(terms))


def _without_hopeless(terms: Terms) -> Terms:
    """Return the terms without sleep that breaks a row although all others are on the air."""
    hopeless = np.zeros(terms.shape, dtype=bool)
    weight = terms.weight.tocoo()
    total = np.asarray(terms.weight.sum(axis=1)).reshape(-1, 1)
    slack = total - terms.need
    entry, period = np.nonzero(weight.data[:, None] > slack[weight.row] + TOLERANCE)
    hopeless[weight.col[entry], period] = True
    # A candidate that cannot sleep must find room for the work in some mode.
    most = np.where(terms.may & ~IS_OFF, terms.room, -np.inf).max(axis=2, initial=-np.inf)
    most[terms.could_sleep & ~hopeless] = np.inf
    ways = terms.share.tocoo()
    moved = ways.data[:, None] * terms.own[ways.col]
    entry, period = np.nonzero((moved > most[ways.row] + TOLERANCE) & (moved > 0))
    hopeless[ways.col[entry], period] = True
    may = terms.may.copy()
    may[:, :, IS_OFF] &= ~(hopeless & ~terms.held_off)[:, :, None]
    return replace(terms, may=may)


def _without_dominated(terms: Terms) -> Terms:
    """Return the terms without modes that another of the same side of the air is never worse than.

    Of modes alike in cost, room and switching the first stays.
    """
    may = terms.may.copy()
    # Where all that could ever arrive fits, more room is worth nothing.
    most = arriving(terms, terms.could_sleep)
    useful = np.minimum(terms.room, most[:, :, None]) * ~IS_OFF
    for mode in range(len(IS_OFF)):
        for other in range(len(IS_OFF)):
            if mode == other or IS_OFF[mode] != IS_OFF[other]:
                continue
            worse = terms.may[:, :, other] & may[:, :, other]
            worse &= terms.cost[:, :, other] <= terms.cost[:, :, mode]
            worse &= useful[:, :, other] >= useful[:, :, mode]
            worse &= (terms.switch[:, other] <= terms.switch[:, mode])[:, None]
            may[:, :, mode] &= ~worse
    return replace(terms, may=may)
