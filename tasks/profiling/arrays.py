"""Arrays by what they hold; axes are named where they are used."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.floating]
Integers: TypeAlias = npt.NDArray[np.integer]
Booleans: TypeAlias = npt.NDArray[np.bool_]

HOURS = 168
"""Hours of a week, from Monday 00:00 UTC: the clock of every week shape, summer and winter."""
