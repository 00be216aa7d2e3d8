"""Delivered documents become sections: Markdown, and classes of alarms and events as JSON.

A document is named by its place in the delivery, without its ending; its text by its hash.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from data_products.operations_documents.derive import DOCUMENT_SCHEMA
from tasks.ingestion.delivered_bytes import ReadingLimits, UnreadableFileError, delivered_pieces
from tasks.ingestion.delivered_documents import MARKDOWN, DeliveredDocument, documents_among
from tasks.ingestion.documents.front_matter import FrontMatter, front_matter
from tasks.ingestion.documents.markdown_sections import Section, markdown_text
from tasks.ingestion.findings import FINDING_SCHEMA
from tasks.ingestion.inventory import FoundFile, found_files

LIMITS = ReadingLimits(file_bytes=4 << 20)
_SHOWN = 400
_PARTS = {
    "symptoms": "Symptoms",
    "probable_causes": "Probable causes",
    "recommended_actions": "Recommended actions",
}


@dataclass(frozen=True, slots=True)
class DeliveredSections:
    """Sections as `operations_documents` has them, and what cannot be used."""

    sections: pl.DataFrame
    findings: pl.DataFrame
    documents: int


def delivered_sections(folder: Path) -> DeliveredSections:
    """Return the sections of the folder's documents, by path."""
    rows: list[dict[str, Any]] = []
    findings: list[dict[str, Any]] = []
    documents = 0
    for document in documents_to_read(found_files(folder)):
        file = document.path.relative_to(folder).as_posix()
        try:
            content = b"".join(delivered_pieces(document.path, LIMITS))
        except UnreadableFileError as error:
            findings.append(_finding(file, error.place, error.reason, ""))
            continue
        reader = markdown_rows if document.kind == "markdown" else class_rows
        found = reader(content, file)
        rows += found[0]
        findings += found[1]
        documents += bool(found[0])
    return DeliveredSections(
        pl.DataFrame(rows, schema=DOCUMENT_SCHEMA, orient="row"),
        pl.DataFrame(findings, schema=FINDING_SCHEMA, orient="row"),
        documents,
    )


def documents_to_read(files: Iterable[FoundFile]) -> list[DeliveredDocument]:
    """Return which of the files hold documents for people, by path."""
    found = documents_among(files, ("markdown", "alarm_classes"))
    readable = (it for it in found if it.path.name.lower().endswith((*MARKDOWN, ".json")))
    return sorted(readable, key=lambda it: it.path)


def markdown_rows(content: bytes, file: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the sections of a Markdown file, and what of it cannot be used."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reason = f"The document is no text in UTF-8: {error.reason}; nothing of it is used."
        return [], [_finding(file, f"byte {error.start:,}", reason, "")]
    about, body = front_matter(text.replace("\r\n", "\n"))
    read = markdown_text(body)
    findings = [
        _finding(file, f"front matter {key}".strip(), why, "") for key, why in about.remarks
    ]
    if read.comments:
        reason = f"{len(read.comments)} hidden comments are left out: no reader sees them."
        findings.append(_finding(file, "", reason, "\n".join(read.comments)))
    if read.is_cut:
        findings.append(_finding(file, "", "The document has too many sections; some are cut.", ""))
    if not read.sections:
        return [], [*findings, _finding(file, "", "The document holds no text.", "")]
    title = about.texts.get("title") or read.title or _stem(file).rpartition("/")[2]
    return _rows(file, content, title, about, read.sections), findings


def class_rows(content: bytes, file: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the sections of a class of alarms or events, and what of it cannot be used."""
    try:
        told = json.loads(content)
    except (ValueError, RecursionError) as error:
        return [], [_finding(file, "", f"The document is no JSON: {error}.", "")]
    if not isinstance(told, Mapping) or not isinstance(told.get("name"), str):
        return [], [_finding(file, "", "The document is no object with a name.", "")]
    title = _plain(told["name"])
    described = [_plain(told.get(key)) for key in ("description", "subject_template")]
    sections = [Section(None, (), "\n\n".join(dict.fromkeys(filter(None, described))) or title)]
    sections += [
        Section(heading, (title, heading), _plain(told.get(key)))
        for key, heading in _PARTS.items()
        if _plain(told.get(key))
    ]
    about = FrontMatter()
    steps = [step.strip() for step in title.split("|")]
    about.texts["domain"] = steps[0]
    if steps[0] == "Vendor" and len(steps) > 1:
        about.texts["vendor"] = steps[1]
    return _rows(file, content, title, about, sections), []


def _rows(
    file: str, content: bytes, title: str, about: FrontMatter, sections: Sequence[Section]
) -> list[dict[str, Any]]:
    hashed = sha256(content).hexdigest()
    return [
        {
            "document_id": _stem(file),
            "section_number": number,
            "valid_from": about.valid_from,
            "kind": about.kind,
            "title": title,
            "section_title": section.title,
            "heading_path": " > ".join(section.path) or None,
            "text": section.text,
            "domain": about.texts.get("domain"),
            "vendor": about.texts.get("vendor"),
            "object_classes": about.object_classes,
            "language": about.texts.get("language"),
            "source_file": file,
            "content_hash": hashed,
        }
        for number, section in enumerate(sections)
    ]


def _stem(file: str) -> str:
    head, _, name = file.rpartition("/")
    stem = name.rpartition(".")[0] or name
    return f"{head}/{stem}" if head else stem


def _plain(value: object) -> str:
    if not isinstance(value, str):
        return ""
    return value.encode("utf-8", "replace").decode().replace("\x00", "").strip()


def _finding(file: str, place: str, reason: str, content: str) -> dict[str, Any]:
    told = {"source_file": file, "place": place or None, "reason": reason}
    return dict.fromkeys(FINDING_SCHEMA) | told | {"content": content[:_SHOWN] or None}
