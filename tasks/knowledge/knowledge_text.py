"""Passages and cases as text for people: each with its id, so that it can be cited."""

from collections.abc import Mapping, Sequence
from textwrap import indent

import polars as pl

from tasks.messages.passages import FoundPassage

_INDENT = "    "


def found_text(found: Mapping[str, Sequence[FoundPassage]]) -> str:
    """Return what a search found, by collection, best first."""
    parts = [_passage(one) for passages in found.values() for one in passages]
    if not parts:
        return "Nothing fits. Say it otherwise, or look without filters."
    return "\n\n".join(parts)


def cases_text(cases: pl.DataFrame) -> str:
    """Return cases, one a paragraph, in the order given."""
    if cases.is_empty():
        return (
            "No case was learnt so far. Cases come from verdicts that name a fault kind "
            "(`anops feedback`) and from repairs that were verified or undone."
        )
    return "\n\n".join(
        f"[case:{row['case_id']}] believed {row['weight']:.2f}, last {row['last_seen_at']:%Y-%m-%d}"
        f"\n{indent(row['text'], _INDENT)}"
        for row in cases.iter_rows(named=True)
    )


def _passage(one: FoundPassage) -> str:
    passage = one.passage
    since = f", since {passage.valid_from:%Y-%m-%d}" if passage.valid_from else ""
    until = f", until {passage.valid_until:%Y-%m-%d}" if passage.valid_until else ""
    head = f"[{passage.passage_id}] {passage.title} ({passage.source}{since}{until})"
    ranks = ", ".join(
        f"{way} rank {rank}"
        for way, rank in (("meaning", one.dense_rank), ("word", one.sparse_rank))
        if rank is not None
    )
    return f"{head}\n{_INDENT}score {one.score:.2f}, {ranks}\n{indent(passage.text, _INDENT)}"
