"""Which kind of document a delivered JSON, XML or Markdown file is, told by what it says first.

Names and folders are not asked. Only the first bytes are read; whether the rest keeps what they
promise is for the reader of that kind to find out.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tasks.ingestion.delivered_bytes import ReadingLimits, UnreadableFileError, delivered_pieces

DocumentKind = Literal[
    "ves",  # a VES event or batch: `event` or `eventList`
    "alarm_records",  # alarm records or notifications of 3GPP TS 28.532 (`objectInstance`)
    "tmf642",  # alarms of TM Forum TMF642
    "tmf655",  # change requests of TM Forum TMF655
    "tmf621",  # trouble tickets of TM Forum TMF621
    "nrm",  # configuration of TS 28.541 as JSON: objects with `id`, `objectClass`, `attributes`
    "topology",  # RFC 8345: `ietf-network:networks`
    "bulk_cm",  # bulk CM XML of TS 32.615: `bulkCmConfigDataFile`
    "measurements",  # measurement XML of TS 32.435 or TS 28.532: `measCollecFile`, `measDataFile`
    "markdown",
    "unknown",
]

LIMITS = ReadingLimits(file_bytes=1 << 30)
_HEAD = 1 << 16
_SUFFIXES = (".json", ".json.gz", ".ndjson", ".ndjson.gz", ".xml", ".xml.gz", ".md")
_TMF = {"Alarm": "tmf642", "ChangeRequest": "tmf655", "TroubleTicket": "tmf621"}
_TMF_TYPE = re.compile(rb'"@type"\s*:\s*"(Alarm|ChangeRequest|TroubleTicket)"')
_VES_FIRST = re.compile(rb'\s*(?:\[\s*)?\{\s*"(?:event|eventList)"\s*:\s*[\[{]\s*\{?\s*"commonE')
_SIGNS: tuple[tuple[DocumentKind, re.Pattern[bytes]], ...] = (
    ("topology", re.compile(rb'"ietf-network:networks"')),
    ("ves", re.compile(rb'"commonEventHeader"|^\s*(?:\[\s*)?\{\s*"eventList"\s*:')),
    ("tmf642", re.compile(rb'"alarmedObject"')),
    ("alarm_records", re.compile(rb'"objectInstance"|"notify\w*(?:Alarm|Ack|Comments|Correlated)')),
    ("nrm", re.compile(rb'"objectClass"')),
    ("bulk_cm", re.compile(rb"<(?:[\w.-]+:)?bulkCmConfigDataFile\b")),
    ("measurements", re.compile(rb"<(?:[\w.-]+:)?(?:measCollecFile|measDataFile)\b")),
)


@dataclass(frozen=True, slots=True)
class DeliveredDocument:
    """A delivered file and the kind of document that it begins as."""

    path: Path
    kind: DocumentKind


def delivered_documents(
    folder: Path, kinds: Iterable[DocumentKind] | None = None
) -> list[DeliveredDocument]:
    """Return the folder's documents, of some kinds only where named, by name and then by path."""
    wanted = None if kinds is None else frozenset(kinds)
    paths = (
        path
        for path in folder.rglob("*")
        if path.name.lower().endswith(_SUFFIXES)
        and not path.name.startswith(".")
        and path.is_file()
    )
    found = (
        DeliveredDocument(path, document_kind(path))
        for path in sorted(paths, key=lambda path: (path.name, str(path)))
    )
    return [document for document in found if wanted is None or document.kind in wanted]


def document_kind(path: Path) -> DocumentKind:
    """Return what the file begins as; `unknown` for what cannot be read or told."""
    if path.name.lower().endswith(".md"):
        return "markdown"
    try:
        head = next(delivered_pieces(path, LIMITS), b"")[:_HEAD]
    except UnreadableFileError:
        return "unknown"
    if _VES_FIRST.match(head):
        return "ves"
    typed = _TMF_TYPE.search(head)
    if typed is not None:
        return _TMF[typed[1].decode()]  # type: ignore[return-value]
    return next((kind for kind, sign in _SIGNS if sign.search(head)), "unknown")
