"""Readers of documents, and of what kind a delivered file is."""

import json
from pathlib import Path

import polars as pl

from data_products.operations_documents.derive import DOCUMENT_SCHEMA
from tasks.ingestion.delivered_documents import document_kind
from tasks.ingestion.documents.document_files import class_rows, delivered_sections
from tasks.ingestion.documents.front_matter import front_matter
from tasks.ingestion.findings import FINDING_SCHEMA
from tasks.ingestion.unread_files import unread_files
from tests.fuzzing.network_targets import NETWORK_TARGETS
from tests.fuzzing.seeds import real
from tests.fuzzing.target import Outcome, Target, must


def read_markdown(data: bytes, folder: Path) -> Outcome:
    """Read a Markdown document, and look for each of its lines again."""
    (folder / "m.md").write_bytes(data)
    read = delivered_sections(folder)
    if read.sections.height and not data.startswith(b"\x1f\x8b"):
        told = "\n".join(
            [*read.sections["text"], *read.sections["title"].drop_nulls(),
             *read.sections["heading_path"].drop_nulls(), *read.findings["content"].drop_nulls()]
        )  # fmt: skip
        text = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
        _, body = front_matter(text)
        words = [line.strip() for line in body.split("\n") if "marker-" in line]
        lost = [word for line in words for word in line.split() if _is_lost(word, told, body)]
        is_whole = not read.findings["reason"].str.contains("hidden|too many").any()
        must(not is_whole or not lost, f"Words of the document are in no section: {lost[:3]}.")
    return Outcome(read.sections.height, read.findings.height)


def _is_lost(word: str, told: str, body: str) -> bool:
    # A heading over nothing may be left out; a word of running text may not.
    is_word = word.startswith("marker-") and word.isascii() and word.replace("-", "").isalnum()
    return is_word and word not in told and f"# {word}" not in body


def read_class(data: bytes, _folder: Path) -> Outcome:
    """Read a class of alarms or events."""
    rows, findings = class_rows(data, "c.json")
    pl.DataFrame(rows, schema=DOCUMENT_SCHEMA, orient="row")
    pl.DataFrame(findings, schema=FINDING_SCHEMA, orient="row")
    return Outcome(len(rows), len(findings))


def read_kind(data: bytes, folder: Path) -> Outcome:
    """Tell what kind of document a file is, and that nobody reads one of no kind."""
    _files_at[0] += 1
    for old in folder.glob("k*"):
        old.unlink()
    names = [f"k{_files_at[0]}.json", f"k{_files_at[0]}.txt"]
    for name in names:
        (folder / name).write_bytes(data)
    kind = document_kind(folder / names[0])
    told = unread_files(folder, None)
    untold = set(names[1:] if kind not in {"unknown", "markdown"} else names)
    must(untold <= set(told["source_file"]), f"Nobody says that {untold} is read by nobody.")
    return Outcome(1, told.height)


_files_at = [0]
"""How many there were: each has a name of its own, since kinds are remembered by name and time."""

_MARKDOWN = """---
title: Restore a cell
kind: runbook
domain: radio
valid_from: 2026-01-05
object_classes: [NRCellDU]
---
# Restore

marker-one before

## When it is down <a id="x"></a>

marker-two `code` *x*

<!-- hidden -->

```sh
# marker-three
```

| marker-four | b |
|---|---|
| 1 | 2 |

> # marker-five

Set
===
1. marker-six
"""
_CLASS = {"name": "Vendor | Acme | Link Down", "description": "d", "subject_template": "s",
          "symptoms": "a", "probable_causes": "b", "recommended_actions": "c"}  # fmt: skip
_MARKDOWN_WORDS = ("---", "# ", "## ", "###### ", "```", "~~~", "> ", "- ", "* ", "1. ", "    ",
                   "\t", "***",
                   "===", "<!--", "-->", "<div>", "[a](b)", "![", "[a]: b", "`", "**", "_", "|",
                                                                    "|---|", "\\",
                   "&amp;", "<script>", "\r", "title:", "kind: runbook", "valid_from: 0001-01-01",
                   "&a *a",
                   "marker-seven", "[" * 50, "*" * 50, "> " * 50, "- " * 50, "`" * 50,
                                     "<" * 50)  # fmt: skip
_KIND_WORDS = ('"commonEventHeader"', '"eventList"', '"objectInstance"', '"alarmedObject"',
               '"@type": "Alarm"',
               '"objectClass"', '"ietf-network:networks"', "<bulkCmConfigDataFile",
               "<measCollecFile", "\x1f")  # fmt: skip

DOCUMENT_TARGETS = (
    Target("markdown", "text", read_markdown,
           lambda: [_MARKDOWN.encode(), *real("runbooks/docs/**/*.md")], _MARKDOWN_WORDS),
    Target("event_classes", "json", read_class,
           lambda: [json.dumps(_CLASS).encode(), *real("noc_alarm_kb/**/*.json")], tuple(_CLASS)),
    Target("document_kinds", "bytes", read_kind,
           lambda: [seed for target in NETWORK_TARGETS for seed in target.seeds()[:2]],
           _KIND_WORDS),
)  # fmt: skip
