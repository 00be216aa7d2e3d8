"""The database of a ledger: its schema, its rows as entries, and what is wrong with its file."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from semantic_layer.errors import InputError, TransientError
from tasks.adapters.ledger_seal import FIELDS, LedgerBrokenError, entry_json, entry_of
from tasks.messages.canonical import canonical_json
from tasks.messages.ledger import LedgerEntry

SCHEMA = {
    "entries": f"""CREATE TABLE entries (
    number INTEGER PRIMARY KEY, {", ".join(f"{name} TEXT NOT NULL" for name in FIELDS[1:])}
) STRICT""",
    "entries_by_subject": "CREATE INDEX entries_by_subject ON entries (subject_id, number)",
    "entries_by_key": "CREATE UNIQUE INDEX entries_by_key ON entries (key) WHERE key != ''",
    "entries_stay": """CREATE TRIGGER entries_stay BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'entries of the ledger are never removed'); END""",
    "entries_stay_so": """CREATE TRIGGER entries_stay_so BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'entries of the ledger are never changed'); END""",
}
INSERT = f"INSERT INTO entries VALUES ({', '.join('?' * len(FIELDS))})"  # noqa: S608 - no input
_SELECT = f"SELECT {', '.join(FIELDS)} FROM entries"  # noqa: S608 - no input
_WAIT_S = 30.0


class LedgerConnection:
    """A connection, and of which process and file it is."""

    def __init__(self, path: Path, identity: tuple[int, int]) -> None:
        self.identity = identity
        self.connection = opened(path)

    def close(self) -> None:
        """Close it, if it is this process's; a child that was forked leaves its parent's alone."""
        if self.identity[0] == os.getpid():
            self.connection.close()


def opened(path: Path) -> sqlite3.Connection:
    """Return a connection whose commits are on the disk when they return."""
    connection = sqlite3.connect(
        path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def create_database(path: Path) -> None:
    """Make an empty database, whole or not at all."""
    draft = path.with_name("ledger.db.new")
    draft.unlink(missing_ok=True)
    connection = opened(draft)
    connection.execute("PRAGMA journal_mode = WAL")
    for statement in SCHEMA.values():
        connection.execute(statement)
    connection.close()
    draft.rename(path)


def entry_row(entry: LedgerEntry) -> tuple[int | str, ...]:
    """Return an entry as `INSERT` takes it."""
    told = entry_json(entry)
    return tuple((told | {"payload": canonical_json(told["payload"])})[name] for name in FIELDS)


def _entry(row: tuple[object, ...]) -> LedgerEntry:
    told = dict(zip(FIELDS, row, strict=True))
    try:
        payload = json.loads(str(told["payload"]))
        is_same = canonical_json(payload) == told["payload"]
    except (ValueError, RecursionError, InputError) as error:
        raise LedgerBrokenError(f"Entry {told['number']} has no payload any more.") from error
    if not is_same:
        raise LedgerBrokenError(f"Entry {told['number']} has a payload that others wrote.")
    return entry_of(told | {"payload": payload})


def some_entries(connection: sqlite3.Connection, where: str, *given: str) -> list[LedgerEntry]:
    """Return the entries that a clause chooses.

    Raises:
        LedgerBrokenError: one of them cannot be read as an entry.
    """
    return [_entry(row) for row in connection.execute(f"{_SELECT} {where}", given)]


def one_entry(connection: sqlite3.Connection, where: str, *given: str) -> LedgerEntry | None:
    """Return the first entry that a clause chooses, None when there is none."""
    found = some_entries(connection, f"{where} LIMIT 1", *given)
    return found[0] if found else None


def last_entry(connection: sqlite3.Connection) -> LedgerEntry | None:
    """Return the newest entry, None in an empty ledger."""
    return one_entry(connection, "ORDER BY number DESC")


def readable_entries(connection: sqlite3.Connection) -> tuple[list[LedgerEntry], list[str]]:
    """Return the entries that can be read, by number, and a sentence for each other one."""
    entries, unreadable = [], []
    for row in connection.execute(f"{_SELECT} ORDER BY number"):
        try:
            entries.append(_entry(row))
        except LedgerBrokenError as error:
            unreadable.append(str(error))
    return entries, unreadable


def file_problems(connection: sqlite3.Connection) -> Iterator[str]:
    """Tell what is wrong with the file itself: damaged pages, another schema."""
    told = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(20)")]
    if told != ["ok"]:
        yield f"The database is damaged: {'; '.join(told)[:500]}."
    made = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"
    if dict(connection.execute(made).fetchall()) != SCHEMA:
        yield "The tables, indexes or triggers of the database are not those that it was made with."


@contextmanager
def told_errors(database: Path) -> Iterator[None]:
    """Tell SQLite's errors in our words: what may pass, and what means damage."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise TransientError(f"Others hold {database}: {error}.") from error
        raise LedgerBrokenError(f"{database} cannot be used: {error}.") from error
    except (sqlite3.DatabaseError, UnicodeError) as error:  # damage may show in its own messages
        raise LedgerBrokenError(f"{database} cannot be read any more: {error}.") from error
    except OSError as error:
        raise InputError(f"Beside {database} nothing can be written: {error.strerror}.") from error
