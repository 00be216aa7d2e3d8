"""Arrays by what they hold, frames by their columns; axes are named where they are used."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

Floats: TypeAlias = npt.NDArray[np.floating]
Integers: TypeAlias = npt.NDArray[np.integer]
Booleans: TypeAlias = npt.NDArray[np.bool_]
Schema: TypeAlias = dict[str, pl.DataType | type[pl.DataType]]
