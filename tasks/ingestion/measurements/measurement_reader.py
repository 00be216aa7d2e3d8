"""Reads a TS 32.435 or TS 28.532 file with expat, piece by piece, within limits.

DTDs are refused at their first byte, so entities cannot be declared, expanded or fetched.
"""

from collections.abc import Mapping
from xml.parsers import expat

from tasks.ingestion.delivered_bytes import ReadingLimits, UnreadableFileError
from tasks.ingestion.measurements.measurement_elements import (
    STRUCTURES,
    TEXT_ELEMENTS,
    Attributes,
    MeasurementElements,
)
from tasks.ingestion.measurements.measurement_events import XML_SPACE, MeasInfo

NAMESPACES: Mapping[str, tuple[str, ...]] = {
    "measCollecFile": ("http://www.3gpp.org/ftp/specs/archive/32_series/32.435#measCollec",),
    "measDataFile": (
        "http://www.3gpp.org/ftp/specs/archive/28_series/28.532#measData",
        "http://www.3gpp.org/ftp/specs/archive/28_series/28.550#measData",
    ),
}
"""Root elements of measurement files and the namespaces that make them so."""

_LONGEST_TEXT = 1 << 20
_MOST_NAMES = 1 << 10
_MEAS_INFO_DEPTH = 3
_PLAIN_ENCODINGS = frozenset({"utf-8", "us-ascii", "ascii"})


class MeasurementReader:
    """An expat parser that hands elements to `MeasurementElements`.

    Attributes:
        elements: where events gather.
        is_plain: UTF-8, with the standard's namespace as the default one and no other in force:
            what `measurement_runs` may read in bulk.
        has_root: the root element has begun.
    """

    def __init__(self, limits: ReadingLimits) -> None:
        self.elements = MeasurementElements(limits)
        self.is_plain = True
        self.has_root = False
        self._limits = limits
        self._names: list[str] = []
        self._known: dict[str, str] = {}
        self._namespace = ""
        self._text: list[str] = []
        self._text_length = 0
        self._skipped_lines = 0
        self._unanswered = 0
        self._parser = self._new_parser()

    @property
    def line(self) -> int:
        """The line that is being read."""
        return self._parser.CurrentLineNumber + self._skipped_lines

    def feed(self, piece: bytes) -> None:
        """Read a piece of the file.

        Raises:
            UnreadableFileError: it is not XML, not a measurement file, or beyond the limits.
        """
        self.require_short(b"")
        self._unanswered += len(piece)
        self._parse(piece, is_last=False)

    def require_short(self, rest: bytes) -> None:
        """Raise if no tag, comment or text has ended for long, up to the end of `rest`.

        Raises:
            UnreadableFileError: it is longer than the limits allow.
        """
        if self._unanswered + len(rest) > self._limits.piece_bytes:
            raise UnreadableFileError(
                f"A comment, tag or text is longer than {self._limits.piece_bytes:,} bytes.",
                f"line {self.line}",
            )

    def close(self) -> None:
        """Say that nothing follows.

        Raises:
            UnreadableFileError: the file is cut off, or lacks its header or footer.
        """
        self._parse(b"", is_last=True)
        self.elements.require_whole(self.line)

    def open_info(self) -> MeasInfo | None:
        """Return the measInfo directly inside which reading stands, None when not inside one."""
        return self.elements.info if len(self._names) == _MEAS_INFO_DEPTH else None

    def skip(self, lines: int) -> None:
        """Take note that somebody else read whole elements of the open measInfo."""
        self._skipped_lines += lines
        self._unanswered = 0

    def _new_parser(self) -> expat.XMLParserType:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.namespace_prefixes = True
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._doctype
        parser.XmlDeclHandler = self._declaration
        parser.StartNamespaceDeclHandler = self._namespace_declared
        parser.CommentHandler = self._passed_over
        parser.ProcessingInstructionHandler = self._passed_over
        return parser

    def _parse(self, piece: bytes, *, is_last: bool) -> None:
        try:
            self._parser.Parse(piece, is_last)
        except expat.ExpatError as error:
            line = error.lineno + self._skipped_lines
            reason = expat.ErrorString(error.code) or "not well-formed"
            if is_last:
                reason = "it ends in the middle, cut off or still being written"
            raise UnreadableFileError(
                f"The XML cannot be read: {reason}.", f"line {line}"
            ) from error
        except (LookupError, UnicodeError) as error:
            raise UnreadableFileError(f"The XML cannot be decoded: {error}.", "line 1") from error

    def _passed_over(self, *_: object) -> None:
        self._unanswered = 0

    def _doctype(self, *_: object) -> None:
        raise UnreadableFileError(
            "The file brings a document type; measurement files have none, and it could make "
            "entities that expand without end, so the file is not read.",
            f"line {self.line}",
        )

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _PLAIN_ENCODINGS:
            self.is_plain = False

    def _namespace_declared(self, _prefix: str | None, _uri: str) -> None:
        if self.has_root:
            self.is_plain = False

    def _start(self, name: str, attributes: Attributes) -> None:
        self._unanswered = 0
        if self._text:
            self._forget_text()
        known = self._known.get(name) or self._learned(name)
        names = self._names
        parent = names[-1] if names else ""
        if parent in TEXT_ELEMENTS:
            raise UnreadableFileError(
                f"The element {known} stands inside {parent}, which holds text only.",
                f"line {self.line}",
            )
        if len(names) >= self._limits.depth:
            raise UnreadableFileError(
                f"Elements are nested more than {self._limits.depth} deep.", f"line {self.line}"
            )
        names.append(known)
        self.elements.start(parent, known, attributes, self._line_of)

    def _learned(self, name: str) -> str:
        """Return what an element is called here: its local name, if it is of our namespace."""
        namespace, local, prefix = _parts(name)
        if not self.has_root:
            self._start_root(namespace, local, prefix)
        known = local if namespace == self._namespace else f"{{{namespace}}}{local}"
        if len(self._known) < _MOST_NAMES:
            self._known[name] = known
        return known

    def _line_of(self) -> int:
        return self.line

    def _start_root(self, namespace: str, local: str, prefix: str) -> None:
        if local not in NAMESPACES:
            raise UnreadableFileError(
                f"The root element is {local!r}; a measurement file begins with measCollecFile "
                "(TS 32.435) or measDataFile (TS 28.532).",
                f"line {self.line}",
            )
        if namespace not in NAMESPACES[local]:
            raise UnreadableFileError(
                f"The root element {local} is in the namespace {namespace!r}; expected is "
                f"{NAMESPACES[local][0]!r}.",
                f"line {self.line}",
            )
        self.has_root = True
        self._namespace = namespace
        self.is_plain = self.is_plain and not prefix

    def _end(self, _name: str) -> None:
        self._unanswered = 0
        names = self._names
        name = names.pop()
        if name in TEXT_ELEMENTS:
            text = "".join(self._text).strip(XML_SPACE)
            self._forget_text()
            self.elements.end(names[-1], name, text, self._line_of)
        elif name in STRUCTURES:
            self.elements.end(names[-1] if names else "", name, "", self._line_of)

    def _forget_text(self) -> None:
        self._text.clear()
        self._text_length = 0

    def _characters(self, text: str) -> None:
        self._unanswered = 0
        if not self._names or self._names[-1] not in TEXT_ELEMENTS:
            return
        self._text_length += len(text)
        if self._text_length > _LONGEST_TEXT:
            raise UnreadableFileError(
                f"The text of {self._names[-1]} is longer than {_LONGEST_TEXT:,} characters.",
                f"line {self.line}",
            )
        self._text.append(text)


def _parts(name: str) -> tuple[str, str, str]:
    parts = name.split(" ")
    if len(parts) == 1:
        return "", parts[0], ""
    return parts[0], parts[1], parts[2] if len(parts) > 2 else ""
