"""What is on record as tables, what of it is not published yet, and exports that prove themselves.

An export is a file of lines: first the public key and where the ledger ends, then one entry a line.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from data_products.change_proposals.derive import STANDING_SCHEMA
from data_products.decisions.derive import ENTRY_SCHEMA
from semantic_layer.errors import InputError
from tasks.adapters.ledger_seal import (
    LedgerBrokenError,
    LedgerSeal,
    chain_problems,
    entry_json,
    entry_of,
)
from tasks.messages.canonical import canonical_json
from tasks.messages.ledger import LedgerEntry
from tasks.messages.proposal_life import ProposalLife

EXPORT_FORMAT = "anops decisions 1"
_RENAMED = {"key": "entry_key", "hash": "entry_hash"}


def entry_rows(entries: Iterable[LedgerEntry]) -> pl.DataFrame:
    """Return entries as rows of `decisions`."""
    rows = [
        {_RENAMED.get(name, name): value for name, value in entry_json(entry).items()}
        | {
            "at": entry.at,
            "recorded_at": entry.recorded_at,
            "payload": canonical_json(entry.payload),
        }
        for entry in entries
    ]
    return pl.DataFrame(rows, schema=ENTRY_SCHEMA, orient="row")


def standing_rows(lives: Iterable[ProposalLife]) -> pl.DataFrame:
    """Return proposals as they stand, as `change_proposals` is derived from."""
    rows = [
        {
            "proposal": canonical_json(life.proposal.to_json()),
            "verdict": canonical_json(life.verdict.to_json()) if life.verdict else None,
            "change_digest": life.proposal.change_set.digest,
            "stage": life.stage,
            "approvals": list(life.approvals),
            "expires_at": life.expires_at,
            "applied_at": life.applied_at,
            "effect": life.effect,
            "last_number": life.entries[-1].number,
            "changed_at": life.entries[-1].at,
        }
        for life in lives
    ]
    return pl.DataFrame(rows, schema=STANDING_SCHEMA, orient="row")


def witness_problems(heads: pl.DataFrame, entries: Sequence[LedgerEntry]) -> list[str]:
    """Return a sentence for each published head that the ledger no longer has.

    Args:
        heads: rows of `decisions.heads`.
        entries: all of the ledger, from the first.
    """
    hashes = {entry.number: entry.hash for entry in entries}
    return [
        f"Published on {day:%Y-%m-%d} was entry {number} as the newest of the day; the ledger "
        f"{'has another one' if number in hashes else 'ends before it'}."
        for day, number, told in heads.select("day_start", "last_number", "last_hash").iter_rows()
        if hashes.get(number) != told
    ]


def export_lines(entries: Sequence[LedgerEntry], public_key: str) -> Iterable[str]:
    """Yield the lines of an export, each with its line end."""
    last = entries[-1] if entries else None
    head = {"number": last.number, "hash": last.hash, "signature": last.signature} if last else None
    told = {"format": EXPORT_FORMAT, "public_key": public_key, "head": head}
    yield f"{canonical_json(told)}\n"
    for entry in entries:
        yield f"{canonical_json(entry_json(entry))}\n"


def read_export(text: str) -> tuple[Mapping[str, Any], list[LedgerEntry], list[str]]:
    """Return an export's first line, its entries, and a sentence for each that is none.

    Raises:
        InputError: the file does not begin as an export does.
    """
    lines = text.split("\n")
    try:
        header = json.loads(lines[0])
        is_ours = header["format"] == EXPORT_FORMAT and isinstance(header["public_key"], str)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError("This file is no export of decisions: its first line is none.") from error
    if not is_ours:
        raise InputError(f"This is an export of another format; known is {EXPORT_FORMAT!r}.")
    entries: list[LedgerEntry] = []
    problems = [] if lines[-1] == "" else ["The last line is cut off."]
    for number, line in enumerate(lines[1:-1], start=2):
        try:
            entries.append(entry_of(json.loads(line)))
        except (ValueError, RecursionError, LedgerBrokenError, AttributeError) as error:
            problems.append(f"Line {number} is no entry: {error!s:.200}")
    return header, entries, problems


def export_problems(text: str, public_key: str | None) -> list[str]:
    """Return a sentence for each thing about an export that is not as it was written.

    Args:
        text: of the file.
        public_key: that the ledger is known to be signed with; the file's own when None, which
            proves no more than that the file agrees with itself.

    Raises:
        InputError: the file is no export.
    """
    header, entries, problems = read_export(text)
    if public_key is not None and header["public_key"].strip() != public_key.strip():
        problems.append("The file names another public key than that of the ledger.")
    seal = LedgerSeal.of_public_key(public_key or header["public_key"])
    problems += chain_problems(entries, seal)
    last = entries[-1] if entries else None
    head = {"number": last.number, "hash": last.hash, "signature": last.signature} if last else None
    if header.get("head") != head:
        problems.append("The file does not end with the entry that its first line names.")
    return problems


def history_problems(exported: Sequence[LedgerEntry], entries: Sequence[LedgerEntry]) -> list[str]:
    """Return how an export and a ledger contradict each other; an older export does not."""
    hashes = {entry.number: entry.hash for entry in entries}
    return [
        f"Entry {entry.number} was exported and is "
        f"{'another one' if entry.number in hashes else 'not there'} in the ledger."
        for entry in exported
        if hashes.get(entry.number) != entry.hash
    ][:20]
