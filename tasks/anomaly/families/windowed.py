"""From what a model expects to a score: errors in units of what they are on calm, held-out history.

Shared by the families that expect each KPI from elsewhere: from periods before, from other KPIs,
or from both. An error of one period may be chance, so errors are also summed over some periods:
what errs to one side for an hour counts more than what flickers.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from semantic_layer.errors import InputError
from tasks.anomaly.arrays import Booleans, Floats
from tasks.anomaly.families.family import Panel
from tasks.anomaly.joint_distance import standardized
from tasks.anomaly.quantiles import median, quantile
from tasks.stored_models import Array

HELD_OUT_SHARE = 0.2
"""Of history, the newest: what a fit is stopped and its errors are measured by."""

_WINSOR = 3.0  # spreads; earlier faults in the held-out part widen the spread no further
_WINSOR_ROUNDS = 3
_SMALLEST_SPREAD = 0.1  # of the cell's own spread: a KPI that never moved is not infinitely sure
_SMALLEST_WIDTH = 0.1
_NORMAL_90 = 1.2816
_HELD_OUT_CELLS = 64


def squeezed(values: Floats, limit: float) -> tuple[Floats, Booleans]:
    """Return values as a model may read them, and which of them are data.

    Clipped to `limit` spreads: a fault under way must not teach what to expect of the next period.
    Where data lacks stands 0, always beside the mark that says so.
    """
    known = np.isfinite(values)
    return np.clip(np.where(known, values, np.float32(0)), -limit, limit), known


def split(panel: Panel, context: int, fewest: int) -> tuple[Panel, Panel]:
    """Return the history to learn from, and the newest part with its context before it.

    Raises:
        InputError: either part has fewer than `fewest` periods with data beyond its context.
    """
    periods = panel.values.shape[-1]
    edge = periods - int(periods * HELD_OUT_SHARE)
    older = panel.periods(0, edge)
    newer = panel.periods(max(edge - context, 0), periods)
    for part in (older, newer):
        seen = int(np.isfinite(part.values[..., context:]).any(axis=1).sum())
        if seen < fewest:
            raise InputError(
                f"A panel of {panel.values.shape[0]} cells x {periods} periods leaves {seen} "
                f"periods with data after {context} of context; this family needs {fewest} to "
                "learn from and as many newer ones to hold out. Widen the history or join the "
                "cells with another profile."
            )
    return older, newer


def some_cells(panel: Panel) -> Panel:
    """Return cells enough to measure errors by, evenly chosen."""
    stride = -(-panel.values.shape[0] // _HELD_OUT_CELLS)
    return panel.cells(slice(None, None, max(stride, 1)))


def error_scale(errors: Floats, spans: Sequence[int]) -> dict[str, Array]:
    """Return what turns errors into scores, learnt from errors on held-out history.

    Args:
        errors: [cells, KPIs, periods], seen less expected; NaN is no data.
        spans: periods over which errors are summed, 1 for each on its own.

    Returns:
        `spreads` [spans, KPIs], robust, of summed errors; `middles` and `widths` [spans] of the
        joint size of errors.
    """
    spreads, middles, widths = [], [], []
    for span in spans:
        summed = summed_errors(errors, span)
        spread = _spread(summed)
        size = _joint_size(summed / spread[:, None])
        middle = float(median(size.ravel()))
        spreads.append(spread)
        middles.append(middle)
        width = (float(quantile(size.ravel(), 0.9)) - middle) / _NORMAL_90
        widths.append(max(width, _SMALLEST_WIDTH))
    return {
        "spreads": np.stack(spreads),
        "middles": np.array(middles, np.float32),
        "widths": np.array(widths, np.float32),
    }


def error_scores(errors: Floats, scale: Mapping[str, Array], spans: Sequence[int]) -> Floats:
    """Return the largest joint size of errors over the spans, [cells, periods].

    In standard deviations of calm history: 0 is usual. NaN where no KPI has data.
    """
    return np.asarray(np.fmax.reduce(_by_span(errors, scale, spans)))


def error_parts(errors: Floats, scale: Mapping[str, Array], spans: Sequence[int]) -> Floats:
    """Return how the score divides among KPIs by their squared errors, [cells, KPIs, periods].

    Taken over the span that makes the score. A score below 0, calmer than usual, has parts of 0.
    """
    sizes = _by_span(errors, scale, spans)
    winner = np.nan_to_num(sizes, nan=-np.inf).argmax(axis=0)
    squares = np.zeros(errors.shape, np.float32)
    for place, span in enumerate(spans):
        relative = summed_errors(errors, span) / _floats(scale, "spreads")[place][:, None]
        squares = np.where((winner == place)[:, None], relative**2, squares)
    total = np.maximum(np.nansum(squares, axis=1, keepdims=True), 1e-9)
    score = np.maximum(np.fmax.reduce(sizes), 0)[:, None]
    return np.asarray(np.where(np.isfinite(errors), squares / total * score, np.nan), np.float32)


def summed_errors(errors: Floats, span: int) -> Floats:
    """Return errors summed over the last `span` periods, over the root of how many had data.

    So noise alone strays as far over one period as over many. NaN where the period has no data.
    """
    if span == 1:
        return errors
    known = np.isfinite(errors)
    filled = np.where(known, errors, np.float32(0))
    total, count = filled.copy(), known.astype(np.float32)
    for step in range(1, min(span, errors.shape[-1])):
        total[..., step:] += filled[..., :-step]
        count[..., step:] += known[..., :-step]
    return np.where(known, total / np.sqrt(np.maximum(count, 1)), np.float32(np.nan))


def _by_span(errors: Floats, scale: Mapping[str, Array], spans: Sequence[int]) -> Floats:
    spreads, middles, widths = (_floats(scale, name) for name in ("spreads", "middles", "widths"))
    sizes = [
        (_joint_size(summed_errors(errors, span) / spreads[place][:, None]) - middles[place])
        / widths[place]
        for place, span in enumerate(spans)
    ]
    return np.stack(sizes)


def _joint_size(relative: Floats) -> Floats:
    """Return the sum of squares as a standard normal deviate, [cells, periods]; NaN without data.

    So periods that lack KPIs stand beside full ones.
    """
    known = np.isfinite(relative)
    return standardized(np.where(known, relative**2, 0).sum(axis=1), known.sum(axis=1))


def _spread(errors: Floats) -> Floats:
    """Return winsorized root mean squares, [KPIs]; 1, as deviations come, where nothing is seen."""
    strays = np.abs(errors)
    known = np.isfinite(strays)
    count = np.maximum(known.sum(axis=(0, 2)), 1)
    filled = np.where(known, strays, np.float32(0))
    spread = np.full(errors.shape[1], np.inf, np.float32)
    for _ in range(_WINSOR_ROUNDS):
        calm = np.minimum(filled, _WINSOR * spread[:, None])
        spread = np.maximum(np.sqrt((calm**2).sum(axis=(0, 2)) / count), _SMALLEST_SPREAD)
    return np.where(known.any(axis=(0, 2)), spread, 1).astype(np.float32)


def _floats(scale: Mapping[str, Array], name: str) -> Floats:
    return np.asarray(scale[name], np.float32)
