"""Which kind of document a delivered JSON, XML or Markdown file is, told by what it says first.

Names and folders are not asked. Only the first bytes are read; whether the rest keeps what they
promise is for the reader of that kind to find out.
"""

import json
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tasks.ingestion.inventory import FoundFile, Remembered, found_files

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
    "alarm_classes",  # what classes of alarms mean: `probable_causes`, `recommended_actions`
    "markdown",
    "unknown",
]

MARKDOWN = (".md", ".markdown", ".mdx")
_HEAD = 1 << 16
_FIRST = 1 << 11
_GZIP = b"\x1f\x8b"
_SUFFIXES = (".json", ".json.gz", ".ndjson", ".ndjson.gz", ".xml", ".xml.gz", *MARKDOWN)
_TMF = {"Alarm": "tmf642", "ChangeRequest": "tmf655", "TroubleTicket": "tmf621"}
_TMF_TYPE = re.compile(rb'"@type"\s*:\s*"(Alarm|ChangeRequest|TroubleTicket)"')
_VES_FIRST = re.compile(rb'\s*(?:\[\s*)?\{\s*"(?:event|eventList)"\s*:\s*[\[{]\s*\{?\s*"commonE')


def _all_of(*names: bytes) -> re.Pattern[bytes]:
    """Return what finds all of some keys, in any order."""
    return re.compile(rb"\A" + b"".join(rb'(?=.*"%s"\s*:)' % name for name in names), re.DOTALL)


_FLAT_NRM = re.compile(
    rb'\A(?!.*"(?:alarmId|perceivedSeverity|notificationType|notificationId)"\s*:)'
    rb'(?=.*"objectInstance"\s*:)(?=.*"attributes"\s*:)',
    re.DOTALL,
)
# Without its "@type" a resource is known by the fields that its interface demands.
_SIGNS: tuple[tuple[DocumentKind, re.Pattern[bytes]], ...] = (
    ("topology", re.compile(rb'"ietf-network:networks"')),
    ("ves", re.compile(rb'"commonEventHeader"|^\s*(?:\[\s*)?\{\s*"eventList"\s*:')),
    ("tmf642", re.compile(rb'"alarmedObject"')),
    ("nrm", _FLAT_NRM),
    ("alarm_records", re.compile(rb'"objectInstance"|"notify\w*(?:Alarm|Ack|Comments|Correlated)')),
    ("nrm", re.compile(rb'"objectClass"')),
    ("tmf642", _all_of(b"alarmRaisedTime", b"sourceSystemId", b"probableCause")),
    ("tmf655", _all_of(b"plannedStartTime", b"plannedEndTime", b"requestType")),
    ("tmf621", _all_of(b"ticketType", b"severity", b"description")),
    ("alarm_classes", re.compile(rb'"probable_causes"')),
)
_XML_SIGNS: tuple[tuple[DocumentKind, re.Pattern[bytes]], ...] = (
    ("bulk_cm", re.compile(rb"<(?:[\w.-]+:)?bulkCmConfigDataFile\b")),
    ("measurements", re.compile(rb"<(?:[\w.-]+:)?(?:measCollecFile|measDataFile)\b")),
)
_XML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<")


@dataclass(frozen=True, slots=True)
class DeliveredDocument:
    """A delivered file and the kind of document that it begins as."""

    path: Path
    kind: DocumentKind


def delivered_documents(
    folder: Path, kinds: Iterable[DocumentKind] | None = None
) -> list[DeliveredDocument]:
    """Return the folder's documents, of some kinds only where named, by name and then by path."""
    return documents_among(found_files(folder), kinds)


def documents_among(
    files: Iterable[FoundFile], kinds: Iterable[DocumentKind] | None = None
) -> list[DeliveredDocument]:
    """Return which of the files are documents, in their order."""
    wanted = None if kinds is None else frozenset(kinds)
    named = (file.path for file in files if file.name.lower().endswith(_SUFFIXES))
    found = (DeliveredDocument(path, document_kind(path)) for path in named)
    return [document for document in found if wanted is None or document.kind in wanted]


def document_kind(path: Path) -> DocumentKind:
    """Return what the file begins as; `unknown` for what cannot be read or told."""
    if path.name.lower().endswith(MARKDOWN):
        return "markdown"
    try:
        return _KINDS.of(path)
    except OSError:
        return "unknown"


def _kind(path: Path) -> DocumentKind:
    first = _readable(_head(path, _FIRST))
    if _XML.match(first):
        early = _sign_in(first, _XML_SIGNS)
        return early if early != "unknown" else _sign_in(_readable(_head(path)), _XML_SIGNS)
    head = _readable(_head(path))
    if _VES_FIRST.match(head):
        return "ves"
    typed = _TMF_TYPE.search(head)
    if typed is not None:
        return _TMF[typed[1].decode()]  # type: ignore[return-value]
    return _sign_in(head, _SIGNS)


def _sign_in(head: bytes, signs: Iterable[tuple[DocumentKind, re.Pattern[bytes]]]) -> DocumentKind:
    return next((kind for kind, sign in signs if sign.search(head)), "unknown")


_KINDS: Remembered[DocumentKind] = Remembered(_kind)


def _head(path: Path, size: int = _HEAD) -> bytes:
    """Return the first bytes, unpacked if they are gzip; what is damaged begins as nothing."""
    with path.open("rb") as stream:
        head = stream.read(size)
    if not head.startswith(_GZIP):
        return head
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, size)
    except zlib.error:
        return b""


def _readable(head: bytes) -> bytes:
    """Return the bytes as they would be in UTF-8."""
    encoding = json.detect_encoding(head)
    if encoding.startswith("utf-8"):
        return head
    return head.decode(encoding, "replace").encode("utf-8", "replace")
