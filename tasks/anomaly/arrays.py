"""Arrays by what they hold; their axes are named where they are used."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.floating]
Integers: TypeAlias = npt.NDArray[np.integer]
Booleans: TypeAlias = npt.NDArray[np.bool_]
