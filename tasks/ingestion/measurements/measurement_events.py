"""What a measurement file says, in its own words; nothing is interpreted yet."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

IntegerArray = npt.NDArray[np.int64]
NumberArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FileHeader:
    """The fileHeader element."""

    dn_prefix: str
    vendor_name: str
    element_type: str
    sender: str
    begin_time: str


@dataclass(slots=True)
class MeasInfo:
    """One measInfo element, as far as it was read.

    Attributes:
        line: where it begins in the file.
        element_dn: localDn of its managedElement or measEntity; None when that is missing.
        types: position and name of each measType.
        listed_types: the text of measTypes; None in the other layout.
    """

    line: int
    element_dn: str | None
    meas_info_id: str = ""
    job_id: str = ""
    end_time: str | None = None
    duration: str | None = None
    types: list[tuple[str, str]] = field(default_factory=list)
    listed_types: str | None = None

    @property
    def place(self) -> str:
        """Where it stands, for people."""
        name = f"measInfo {self.meas_info_id!r}" if self.meas_info_id else "measInfo"
        return f"line {self.line}, {name}"


@dataclass(frozen=True, slots=True)
class MeasuredValues:
    """Consecutive measValue elements of one measInfo.

    Attributes:
        info: their measInfo.
        objects: measObjLdn of each measValue; None when missing.
        is_suspect: the suspect flag of each.
        rows: of each value, the measValue (index into `objects`).
        positions: of each value, its `p`, or its place in the measResults list, from 1.
        texts: of each value, its text, stripped.
        numbers: of each value, its number; NaN where the text is none.
        listed_counts: number of values of each measValue's measResults; -1 in the other layout.
    """

    info: MeasInfo
    objects: list[str | None]
    is_suspect: list[bool]
    rows: IntegerArray
    positions: IntegerArray
    texts: pl.Series
    numbers: NumberArray
    listed_counts: IntegerArray


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that people should know though the file can be read, and its place."""

    place: str
    text: str


Event = FileHeader | MeasInfo | MeasuredValues | Remark


XML_SPACE = " \t\r\n"
"""What XML takes for space."""


def as_numbers(texts: pl.Series) -> NumberArray:
    """Return the finite numbers that stripped texts say; NaN for every other text."""
    numbers = texts.cast(pl.Float64, strict=False).to_numpy(writable=True)
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers
