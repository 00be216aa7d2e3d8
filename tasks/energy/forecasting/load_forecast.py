"""A forecast of load: quantiles of each planning period's highest quarter, and its mean."""

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from semantic_layer.errors import InputError
from tasks.energy.forecasting.load_history import Floats


@dataclass(frozen=True, slots=True, eq=False)
class LoadForecast:
    """Load of C cells in T planning periods, NaN where a cell's load cannot be forecast.

    Attributes:
        cell_dns: C names.
        starts: T starts of periods, in UTC; each begins where the one before ends.
        hours: (T,) lengths in h.
        quantiles: (Q,) levels, rising, within (0, 1).
        peak: (Q, C, T) quantiles of the highest quarter of an hour in the period, 0 to 1.
        mean: (C, T) expected load over the period, 0 to 1.
    """

    cell_dns: tuple[str, ...]
    starts: tuple[datetime, ...]
    hours: Floats
    quantiles: Floats
    peak: Floats
    mean: Floats

    def peak_at(self, quantile: float) -> Floats:
        """Return the (C, T) quantile of the highest quarter, between those known if need be.

        Between two known levels it is interpolated linearly in the log odds of the level, which
        keeps tails from being cut short.

        Raises:
            InputError: the level lies outside those known: tails are not invented.
        """
        known = self.quantiles
        if not known[0] - 1e-9 <= quantile <= known[-1] + 1e-9:
            raise InputError(
                f"No quantile {quantile} of load; the forecast knows {known[0]:g} to {known[-1]:g}."
            )
        upper = int(np.clip(np.searchsorted(known, quantile), 1, len(known) - 1))
        low, high = _log_odds(known[upper - 1]), _log_odds(known[upper])
        share = np.float32(np.clip((_log_odds(quantile) - low) / (high - low), 0.0, 1.0))
        between = self.peak[upper - 1] * (1 - share) + self.peak[upper] * share
        return np.asarray(between, np.float32)

    def of_cells(self, cell_dns: tuple[str, ...]) -> "LoadForecast":
        """Return the forecast of these cells in this order; NaN for those it does not know."""
        places = {name: row for row, name in enumerate(self.cell_dns)}
        rows = np.array([places.get(name, -1) for name in cell_dns], int)
        is_known = (rows >= 0)[:, None]
        nothing = np.float32(np.nan)
        return replace(
            self,
            cell_dns=cell_dns,
            peak=np.where(is_known, self.peak[:, rows], nothing),
            mean=np.where(is_known, self.mean[rows], nothing),
        )


def _log_odds(level: float) -> float:
    return float(np.log(level / (1.0 - level)))
