"""What the elements of a TS 32.435 or TS 28.532 file are, and the events that they make.

Knows the elements and their order; nothing about what a name, a time or a number means.
"""

import re
from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from tasks.ingestion.delivered_bytes import ReadingLimits, UnreadableFileError
from tasks.ingestion.measurements.measurement_events import (
    XML_SPACE,
    Event,
    FileHeader,
    IntegerArray,
    MeasInfo,
    MeasuredValues,
    Remark,
    as_numbers,
)

Attributes = dict[str, str]
Line = Callable[[], int]
"""Tells the line that is being read, when somebody wants to know."""

TEXT_ELEMENTS = frozenset({"r", "measType", "measTypes", "measResults", "suspect"})
"""Elements whose text counts."""

STRUCTURES = frozenset({"fileHeader", "fileFooter", "measInfo", "measValue"})
"""Elements without a text whose end counts."""

_MOST_VALUES = 200_000
_SPACES = re.compile(f"[{XML_SPACE}]+")
_TRUE, _FALSE = frozenset({"true", "1"}), frozenset({"false", "0", ""})
_ROOTS = ("measCollecFile", "measDataFile")
_LEAVES = frozenset({"repPeriod"})


class MeasurementElements:
    """Gathers events from elements that begin and end, in the order of the file.

    Attributes:
        events: what was read since somebody last took them out.
        info: the measInfo that is open.
        has_footer: the file was written to its end.
    """

    def __init__(self, limits: ReadingLimits) -> None:
        self.events: list[Event] = []
        self.info: MeasInfo | None = None
        self.has_footer = False
        self._limits = limits
        self._header: Attributes | None = None
        self._element_dn: str | None = None
        self._position = ""
        self._strangers: set[tuple[str, str]] = set()
        self._starts = self._start_handlers()
        self._ends = self._end_handlers()
        self._forget_values()

    def start(self, parent: str, name: str, attributes: Attributes, line: Line) -> None:
        """An element begins.

        Raises:
            UnreadableFileError: the file lacks its header, or has more types than allowed.
        """
        handler = self._starts.get((parent, name))
        if handler is not None:
            handler(attributes, line)
        elif (parent, name) not in self._ends and name not in _LEAVES and parent:
            self._stranger(parent, name, line())

    def end(self, parent: str, name: str, text: str, line: Line) -> None:
        """An element ends; `text` is its own, stripped."""
        handler = self._ends.get((parent, name))
        if handler is not None:
            handler(text, line)

    def require_whole(self, line: int) -> None:
        """Raise unless header and footer were read.

        Raises:
            UnreadableFileError: one is missing.
        """
        self._required_header(line)
        if not self.has_footer:
            raise UnreadableFileError(
                "The file has no fileFooter, so it was not written to its end.", f"line {line}"
            )

    def flush_values(self) -> None:
        """Make an event of the values read so far."""
        if self.info is None or not self._objects:
            return
        texts = pl.Series(self._texts, dtype=pl.String)
        self.events.append(
            MeasuredValues(
                info=self.info,
                objects=self._objects,
                is_suspect=self._suspects,
                rows=np.array(self._rows, dtype=np.int64),
                positions=_positions(self._positions),
                texts=texts,
                numbers=as_numbers(texts),
                listed_counts=np.array(self._listed_counts, dtype=np.int64),
            )
        )
        self._forget_values()

    def take_types(self, types: Sequence[tuple[str, str]], line: int) -> None:
        """Add measType elements to the open measInfo.

        Raises:
            UnreadableFileError: they are more than allowed.
        """
        if self.info is None:
            return
        self.info.types.extend(types)
        if len(self.info.types) > self._limits.types:
            raise UnreadableFileError(
                f"A measInfo names more than {self._limits.types:,} measurement types.",
                f"line {line}",
            )

    def take_values(self, values: MeasuredValues) -> None:
        """Add measValue elements that were read elsewhere, behind those read here."""
        self.flush_values()
        self.events.append(values)

    def _start_handlers(self) -> dict[tuple[str, str], Callable[[Attributes, Line], None]]:
        outer = {
            "fileHeader": self._start_header,
            "measData": self._start_data,
            "fileFooter": self._nothing,
        }
        handlers = {(root, name): handler for root in _ROOTS for name, handler in outer.items()}
        return handlers | {
            ("fileHeader", "fileSender"): self._start_sender,
            ("fileHeader", "measCollec"): self._start_begin,
            ("fileHeader", "measData"): self._start_begin,
            ("fileFooter", "measCollec"): self._nothing,
            ("fileFooter", "measData"): self._nothing,
            ("measData", "managedElement"): self._start_element,
            ("measData", "measEntity"): self._start_element,
            ("measData", "measInfo"): self._start_info,
            ("measInfo", "job"): self._start_job,
            ("measInfo", "granPeriod"): self._start_period,
            ("measInfo", "measType"): self._start_positioned,
            ("measInfo", "measValue"): self._start_value,
            ("measValue", "r"): self._start_positioned,
        }

    def _end_handlers(self) -> dict[tuple[str, str], Callable[[str, Line], None]]:
        outer = {"fileHeader": self._end_header, "fileFooter": self._end_footer}
        handlers = {(root, name): handler for root in _ROOTS for name, handler in outer.items()}
        return handlers | {
            ("measData", "measInfo"): self._end_info,
            ("measInfo", "measType"): self._end_type,
            ("measInfo", "measTypes"): self._end_types,
            ("measInfo", "measValue"): self._end_value,
            ("measValue", "r"): self._end_result,
            ("measValue", "measResults"): self._end_results,
            ("measValue", "suspect"): self._end_suspect,
        }

    def _forget_values(self) -> None:
        self._objects: list[str | None] = []
        self._suspects: list[bool] = []
        self._rows: list[int] = []
        self._positions: list[str | int] = []
        self._texts: list[str] = []
        self._listed_counts: list[int] = []

    def _stranger(self, parent: str, name: str, line: int) -> None:
        if (parent, name) not in self._strangers and len(self._strangers) < 100:
            self._strangers.add((parent, name))
            text = f"The element {name} in {parent} is not known and was passed over."
            self.events.append(Remark(f"line {line}", text))

    def _nothing(self, _attributes: Attributes, _line: Line) -> None:
        """Known, and without anything that is needed."""

    def _required_header(self, line: int) -> Attributes:
        if self._header is None:
            raise UnreadableFileError("The file has no fileHeader.", f"line {line}")
        return self._header

    def _start_header(self, attributes: Attributes, _line: Line) -> None:
        self._header = {**attributes, "elementType": "", "sender": "", "beginTime": ""}

    def _start_sender(self, attributes: Attributes, line: Line) -> None:
        header = self._required_header(line())
        header["elementType"] = attributes.get("elementType", attributes.get("senderType", ""))
        header["sender"] = attributes.get("localDn", attributes.get("senderName", ""))

    def _start_begin(self, attributes: Attributes, line: Line) -> None:
        self._required_header(line())["beginTime"] = attributes.get("beginTime", "")

    def _end_header(self, _text: str, line: Line) -> None:
        header = self._required_header(line())
        self.events.append(
            FileHeader(
                dn_prefix=header.get("dnPrefix", ""),
                vendor_name=header.get("vendorName", ""),
                element_type=header["elementType"],
                sender=header["sender"],
                begin_time=header["beginTime"],
            )
        )

    def _start_data(self, _attributes: Attributes, line: Line) -> None:
        self._required_header(line())
        self._element_dn = None

    def _start_element(self, attributes: Attributes, _line: Line) -> None:
        self._element_dn = attributes.get("localDn", "")

    def _start_info(self, attributes: Attributes, line: Line) -> None:
        self.info = MeasInfo(line(), self._element_dn, attributes.get("measInfoId", ""))
        self.events.append(self.info)

    def _end_info(self, _text: str, _line: Line) -> None:
        self.flush_values()
        self.info = None

    def _start_job(self, attributes: Attributes, _line: Line) -> None:
        if self.info is not None:
            self.info.job_id = attributes.get("jobId", "")

    def _start_period(self, attributes: Attributes, _line: Line) -> None:
        if self.info is not None:
            self.info.duration = attributes.get("duration")
            self.info.end_time = attributes.get("endTime")

    def _start_positioned(self, attributes: Attributes, _line: Line) -> None:
        self._position = attributes.get("p", "")

    def _end_type(self, text: str, line: Line) -> None:
        self.take_types([(self._position, text)], line())

    def _end_types(self, text: str, _line: Line) -> None:
        if self.info is not None:
            self.info.listed_types = text

    def _start_value(self, attributes: Attributes, _line: Line) -> None:
        self._objects.append(attributes.get("measObjLdn"))
        self._suspects.append(False)
        self._listed_counts.append(-1)

    def _end_value(self, _text: str, _line: Line) -> None:
        if len(self._texts) > _MOST_VALUES:
            self.flush_values()

    def _end_result(self, text: str, _line: Line) -> None:
        self._rows.append(len(self._objects) - 1)
        self._positions.append(self._position)
        self._texts.append(text)

    def _end_results(self, text: str, _line: Line) -> None:
        words = _SPACES.split(text) if text else []
        self._listed_counts[-1] = len(words)
        self._rows.extend([len(self._objects) - 1] * len(words))
        self._positions.extend(range(1, len(words) + 1))
        self._texts.extend(words)

    def _end_suspect(self, text: str, line: Line) -> None:
        flag = text.lower()
        if flag not in _FALSE:
            self._suspects[-1] = True
        if flag not in _FALSE | _TRUE:
            self.events.append(
                Remark(f"line {line()}", f"The suspect flag is {text!r}; it is read as true.")
            )

    def _end_footer(self, _text: str, _line: Line) -> None:
        self.has_footer = True


def _positions(said: list[str | int]) -> IntegerArray:
    return np.array([position_of(p) if isinstance(p, str) else p for p in said], dtype=np.int64)


def position_of(text: str) -> int:
    """Return the number that a `p` says; -1 when it says none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
