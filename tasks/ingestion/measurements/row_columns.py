"""The columns of rows that are being gathered: numbers, vectors, and which file each is from."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from tasks.ingestion.measurements.measurement_events import IntegerArray, NumberArray

Vector = list[float | None]
_RAW = "\t"


def raw_column(object_class: str, counter: str) -> str:
    """Return the name of a column that holds a vendor's counter until its map was applied."""
    return f"{_RAW}{object_class}{_RAW}{counter}"


def plain_name(column: str) -> str:
    """Return the counter of a raw column, or the column's own name."""
    return column.rpartition(_RAW)[2]


class RowColumns:
    """Numbers by row and column, with the file that said each.

    Attributes:
        replaced: values that a later file replaced by different ones.
    """

    def __init__(self, rows: int, names: Iterable[str], files: Sequence[str]) -> None:
        self.replaced = 0
        self._names = {name: place for place, name in enumerate(dict.fromkeys(names))}
        self._files = files
        self._numbers = np.full((rows, len(self._names)), np.nan)
        self._owners = np.full((rows, len(self._names)), -1, dtype=np.int32)
        self._vectors: dict[str, dict[int, tuple[int, Vector]]] = {}
        self._suspects: list[tuple[int, int]] = []
        self._is_told = np.zeros(rows, dtype=bool)

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self._numbers)

    def has(self, name: str) -> bool:
        """Tell whether anything was said under a column's name."""
        return name in self._names or name in self._vectors

    def place(
        self, file: int, rows: IntegerArray, names: Sequence[str], numbers: NumberArray
    ) -> Iterator[tuple[int, str, float, float]]:
        """Put in what a file says; yield row, column and both numbers where it says two things.

        Rows are told once each. A later file's number replaces an earlier file's.
        """
        places = np.array([self._names[name] for name in names], dtype=np.int64)
        inside = (rows[:, np.newaxis], places)
        old, owners = self._numbers[inside], self._owners[inside]
        is_said = ~np.isnan(numbers)
        is_own = is_said & (owners == file)
        for row, column in zip(*np.nonzero(is_own & (old != numbers)), strict=True):
            yield (
                int(rows[row]),
                names[column],
                float(old[row, column]),
                float(numbers[row, column]),
            )
        is_new = is_said & ~is_own
        self.replaced += int(np.count_nonzero(is_new & (owners >= 0) & (old != numbers)))
        self._numbers[inside] = np.where(is_new, numbers, old)
        self._owners[inside] = np.where(is_new, file, owners)
        if any(not name.startswith(_RAW) for name in names):
            self._is_told[rows] = True

    def place_vectors(self, file: int, vectors: Iterable[tuple[int, str, Vector]]) -> None:
        """Put in a file's vectors; the first of one file and the last of many files count."""
        for row, name, vector in vectors:
            told = self._vectors.setdefault(name, {})
            standing = told.get(row)
            if standing is not None:
                if standing[0] == file:
                    continue
                self.replaced += standing[1] != vector
            told[row] = (file, vector)

    def mark_suspect(self, file: int, rows: Iterable[int]) -> None:
        """Take note that a file calls rows suspect."""
        self._suspects.extend((row, file) for row in rows)

    def numbers(self, name: str) -> NumberArray:
        """Return a column's numbers; NaN where nothing was said."""
        if name in self._names:
            return self._numbers[:, self._names[name]]
        return np.full(self.rows, np.nan)

    def vectors(self, name: str) -> dict[int, Vector]:
        """Return a column's vectors by row."""
        return {row: vector for row, (_, vector) in self._vectors.get(name, {}).items()}

    def owners(self, name: str) -> npt.NDArray[np.int32]:
        """Return which file said each number of a column; -1 where none did."""
        if name in self._names:
            return self._owners[:, self._names[name]]
        return np.full(self.rows, -1, dtype=np.int32)

    def add_numbers(self, name: str, numbers: NumberArray) -> None:
        """Fill a column in where nothing was said."""
        if name not in self._names:
            self._names[name] = self._numbers.shape[1]
            self._numbers = np.column_stack((self._numbers, numbers))
            blank = np.full(self.rows, -1, dtype=np.int32)
            self._owners = np.column_stack((self._owners, blank))
            return
        column = self._numbers[:, self._names[name]]
        np.copyto(column, numbers, where=np.isnan(column))

    def add_vectors(self, name: str, vectors: dict[int, Vector]) -> None:
        """Fill vectors in where nothing was said."""
        told = self._vectors.setdefault(name, {})
        for row, vector in vectors.items():
            told.setdefault(row, (-1, vector))

    def series(self, name: str) -> pl.Series:
        """Return a column of numbers, null where nothing was said."""
        return pl.Series(name, self.numbers(name)).fill_nan(None)

    def vector_series(self, name: str) -> pl.Series:
        """Return a column of vectors, null where nothing was said."""
        told = self.vectors(name)
        values = [told.get(row) for row in range(self.rows)]
        lists = pa.array(values, type=pa.large_list(pa.float64()))
        return pl.Series(name, pl.from_arrow(lists))

    def suspects(self) -> list[bool]:
        """Return which rows a file calls suspect of which something still counts."""
        flags = [False] * self.rows
        for row, file in self._suspects:
            flags[row] = flags[row] or file in self._sources(row)
        return flags

    def source_files(self) -> list[str]:
        """Return the files that said something of each row that still counts, in order."""
        return [
            ", ".join(dict.fromkeys(self._files[file] for file in files))
            for files in self._all_sources()
        ]

    def used_rows(self) -> pl.Series:
        """Return which rows say anything under a measurement's name."""
        wanted = [place for name, place in self._names.items() if not name.startswith(_RAW)]
        used = self._is_told | ~np.isnan(self._numbers[:, wanted]).all(axis=1)
        for name, told in self._vectors.items():
            if not name.startswith(_RAW):
                used[list(told)] = True
        return pl.Series(used)

    def _all_sources(self) -> list[list[int]]:
        """Return the sources of every row; most rows have one, which needs no search."""
        if not len(self._names):
            return [self._sources(row) for row in range(self.rows)]
        highest = self._owners.max(axis=1)
        lowest = np.where(self._owners < 0, len(self._files), self._owners).min(axis=1)
        is_single = highest == lowest
        for told in self._vectors.values():
            for row, (file, _) in told.items():
                is_single[row] &= file in (-1, highest[row])
        return [
            [int(highest[row])] if is_single[row] else self._sources(row)
            for row in range(self.rows)
        ]

    def _sources(self, row: int) -> list[int]:
        owners = set(np.unique(self._owners[row]).tolist())
        owners |= {told[row][0] for told in self._vectors.values() if row in told}
        return sorted(owners - {-1})
