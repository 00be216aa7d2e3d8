"""Published rows as the index holds them, and what the index lacks of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import polars as pl

from semantic_layer.knowledge_rules import KnowledgeRules
from semantic_layer.periods import Window
from tasks.messages.canonical import digest_of
from tasks.messages.passages import Passage

DOCUMENTS, CASES = "documents", "cases"
"""Collections of the index."""

CASE_ID = "case:"
"""How the id of a case's passage begins."""

_LABELS = ("domain", "vendor", "kind", "language")
_HASH_DIGITS = 32


class Differences(NamedTuple):
    """What makes an index hold exactly what is published."""

    to_put: Sequence[Passage]
    to_remove: Sequence[str]


def document_passages(rows: pl.DataFrame) -> list[Passage]:
    """Return rows of `operations_knowledge` as passages, outdated ones included."""
    return [
        _sealed(
            Passage(
                passage_id=row["passage_id"],
                text=row["text"],
                title=row["heading_path"],
                source=row["document_id"],
                content_hash="",
                labels={key: row[key] for key in _LABELS if row[key] is not None},
                object_classes=tuple(row["object_classes"] or ()),
                valid_from=row["valid_from"],
                valid_until=row["valid_until"],
            )
        )
        for row in rows.iter_rows(named=True)
    ]


def case_passages(rows: pl.DataFrame, rules: KnowledgeRules) -> list[Passage]:
    """Return rows of `operations_knowledge.cases` as passages, without those nobody believes.

    They hold at any time: people speak by the clock of their wall, which a simulated network's
    own time may be years away from.
    """
    believed = rows.filter(pl.col("weight") >= rules.case_least_weight)
    return [
        _sealed(
            Passage(
                passage_id=f"{CASE_ID}{row['case_id']}",
                text=row["text"],
                title=f"Case of {row['cause']}",
                source=row["case_id"],
                content_hash="",
                labels={"kind": "case", "cause": row["cause"]},
                object_classes=(row["object_class"],) if row["object_class"] else (),
                weight=row["weight"],
            )
        )
        for row in believed.iter_rows(named=True)
    ]


def differences(passages: Sequence[Passage], held: Mapping[str, str]) -> Differences:
    """Return the passages that the index lacks or has otherwise, and ids that it should forget."""
    wanted = {passage.passage_id for passage in passages}
    return Differences(
        [it for it in passages if held.get(it.passage_id) != it.content_hash],
        sorted(set(held) - wanted),
    )


def changed_span(standing: pl.DataFrame, due: pl.DataFrame, key: str, time: str) -> Window | None:
    """Return the time in which rows differ from those that stand; None where none does.

    Args:
        standing: rows as published, with columns of `due` at least.
        due: rows as they should be.
        key: tells rows apart.
        time: the column that places a row in time.
    """
    stands, wanted = _by_key(standing.select(due.columns), key), _by_key(due, key)
    changed = [it for it in stands.keys() | wanted if stands.get(it) != wanted.get(it)]
    moments: list[datetime] = [
        rows[it][time] for it in changed for rows in (stands, wanted) if it in rows
    ]
    if not moments:
        return None
    return Window(min(moments), max(moments) + timedelta(microseconds=1))


def _by_key(rows: pl.DataFrame, key: str) -> dict[str, dict[str, Any]]:
    return {row[key]: row for row in rows.iter_rows(named=True)}


def _sealed(passage: Passage) -> Passage:
    """Return a passage with the hash of all that it is found and shown by."""
    told = [
        passage.text,
        passage.title,
        passage.source,
        dict(passage.labels),
        list(passage.object_classes),
        *(moment and moment.isoformat() for moment in (passage.valid_from, passage.valid_until)),
        passage.weight,
    ]
    return replace(passage, content_hash=digest_of(told)[:_HASH_DIGITS])
