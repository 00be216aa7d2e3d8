"""Sections of documents become passages: where each stands, since when, and until when."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import polars as pl

from data_products.operations_knowledge.chunking import passage_spans, shown
from data_products.product import TIME
from semantic_layer.knowledge_rules import KnowledgeRules

PASSAGE_SCHEMA: dict[str, pl.DataType] = {
    "passage_id": pl.String(),
    "document_id": pl.String(),
    "document_hash": pl.String(),
    "source_file": pl.String(),
    "section_number": pl.Int64(),
    "passage_number": pl.Int64(),
    "span_start": pl.Int64(),
    "span_end": pl.Int64(),
    "kind": pl.String(),
    "title": pl.String(),
    "heading_path": pl.String(),
    "text": pl.String(),
    "hidden_characters": pl.Int64(),
    "original_hash": pl.String(),
    "domain": pl.String(),
    "vendor": pl.String(),
    "object_classes": pl.List(pl.String),
    "language": pl.String(),
    "valid_from": TIME,
    "valid_until": TIME,
}
"""Columns of a passage."""

LEFT_OUT_SCHEMA: dict[str, pl.DataType] = {
    "reason": pl.String(),
    "source_file": pl.String(),
    "place": pl.String(),
    "key": pl.String(),
    "content": pl.String(),
    "period_start": TIME,
}
"""Columns of what documents hold beyond the bound."""

_SAME = ("kind", "domain", "vendor", "language")
_ID_DIGITS = 16
_SHOWN = 400

_Place = tuple[str, str, int]


class Passages(NamedTuple):
    """Passages, and sections beyond what one document may hold."""

    rows: pl.DataFrame
    left_out: pl.DataFrame


def derive(sections: pl.DataFrame, rules: KnowledgeRules) -> Passages:
    """Return the passages of every version of every document.

    A passage whose text and headings a later version keeps is the same passage: it holds on, with
    the place that it has in the newest version. One that a version lacks holds until that version.

    Args:
        sections: columns of `operations_documents`, all versions.
        rules: how long a passage, and how many a document, may be.
    """
    rows: list[dict[str, Any]] = []
    left_out: list[dict[str, Any]] = []
    ordered = sections.sort("document_id", "valid_from", "section_number")
    for (document,), versions in ordered.group_by("document_id", maintain_order=True):
        rows += _lives(str(document), versions, rules, left_out)
    return Passages(
        pl.DataFrame(rows, schema=PASSAGE_SCHEMA, orient="row").sort("valid_from", "passage_id"),
        pl.DataFrame(left_out, schema=LEFT_OUT_SCHEMA, orient="row"),
    )


def passage_id(document: str, place: _Place, run: int) -> str:
    """Return the id that a passage keeps as long as its text and headings are the same.

    Args:
        document: its document's id.
        place: headings, text, and which of equal ones within the version.
        run: how often the passage had been gone before.
    """
    told = json.dumps([document, *place, run], ensure_ascii=False)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:_ID_DIGITS]


def _lives(
    document: str, versions: pl.DataFrame, rules: KnowledgeRules, left_out: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the passages of all versions of a document, each once a time that it stood."""
    standing: dict[_Place, dict[str, Any]] = {}
    runs: Counter[_Place] = Counter()
    ended: list[dict[str, Any]] = []
    for (since,), version in versions.group_by("valid_from", maintain_order=True):
        found = _of_version(version, rules, left_out)
        gone = [place for place in standing if place not in found]
        ended += [{**standing.pop(place), "valid_until": since} for place in gone]
        for place, row in found.items():
            begun = standing.get(place)
            if begun is None:
                told = passage_id(document, place, runs[place])
                begun = {"passage_id": told, "valid_from": since, "valid_until": None}
                runs[place] += 1
            standing[place] = {
                **row,
                **{key: begun[key] for key in ("passage_id", "valid_from", "valid_until")},
            }
    return [*ended, *standing.values()]


def _of_version(
    version: pl.DataFrame, rules: KnowledgeRules, left_out: list[dict[str, Any]]
) -> Mapping[_Place, dict[str, Any]]:
    found: dict[_Place, dict[str, Any]] = {}
    seen: Counter[tuple[str, str]] = Counter()
    for section in version.iter_rows(named=True):
        for row in _of_section(section, rules):
            if len(found) == rules.passages_a_document:
                left_out.append(_beyond(section, row, rules))
                break
            said = (row["heading_path"], row["text"])
            found[(*said, seen[said])] = row
            seen[said] += 1
    return found


def _of_section(section: Mapping[str, Any], rules: KnowledgeRules) -> Iterator[dict[str, Any]]:
    text = section["text"]
    title = shown(section["title"]).text
    headings = shown(section["heading_path"] or section["title"]).text
    path = headings if headings.startswith(title) else f"{title} > {headings}"
    for number, (start, end) in enumerate(passage_spans(text, rules.passage_characters)):
        original = text[start:end]
        told = shown(original)
        if told.text.strip():
            yield {
                "document_id": section["document_id"],
                "document_hash": section["content_hash"],
                "source_file": section["source_file"],
                "section_number": section["section_number"],
                "passage_number": number,
                "span_start": start,
                "span_end": end,
                "title": title,
                "heading_path": path,
                "text": told.text.strip(),
                "hidden_characters": told.hidden,
                "original_hash": hashlib.sha256(
                    original.encode("utf-8", "surrogatepass")
                ).hexdigest(),
                "object_classes": section["object_classes"] or [],
                **{key: section[key] for key in _SAME},
            }


def _beyond(
    section: Mapping[str, Any], row: Mapping[str, Any], rules: KnowledgeRules
) -> dict[str, Any]:
    since: datetime = section["valid_from"]
    return {
        "reason": f"The document has more than {rules.passages_a_document:,} passages; this section"
        " is left out from here.",
        "source_file": section["source_file"],
        "place": f"section {section['section_number']}, character {row['span_start']:,}",
        "key": section["document_id"],
        "content": row["text"][:_SHOWN],
        "period_start": since,
    }
