"""The ledger in a folder: an SQLite database, a signed head beside it, and the key's public half.

`ledger.db` holds the entries; triggers refuse to change or remove one, and hashes betray who does
it all the same. `head.json` says where the ledger ends, signed. `ledger.key` is the private key
(mode 0600) unless a file elsewhere is named, `ledger.pub` the public one for whoever checks.
`append.lock` is held for the time of an append, a file under `alone` while a subject is worked on.
"""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from semantic_layer.errors import InputError
from tasks.adapters.ledger_database import (
    INSERT,
    LedgerConnection,
    create_database,
    entry_row,
    file_problems,
    last_entry,
    one_entry,
    readable_entries,
    some_entries,
    told_errors,
)
from tasks.adapters.ledger_head import LedgerHead, read_head, write_head
from tasks.adapters.ledger_seal import (
    LedgerBrokenError,
    LedgerSeal,
    chain_problems,
    checked_draft,
    is_said_by,
    make_key,
    other_said,
    write_whole,
)
from tasks.messages.ledger import EntryDraft, LedgerEntry
from tasks.ports import Clock


class SqliteLedger:
    """Implements `Ledger` for all processes of one machine."""

    def __init__(self, folder: Path, key_file: Path | None, clock: Clock) -> None:
        self._folder, self._clock = folder, clock
        self._key_file = key_file or folder / "ledger.key"
        self._database, self._head = folder / "ledger.db", folder / "head.json"
        self._mine = threading.RLock()
        self._held: LedgerConnection | None = None
        self._seal: tuple[tuple[int, int, int], LedgerSeal] | None = None

    def append(self, draft: EntryDraft) -> LedgerEntry:
        """Put an entry on record; when this returns it is on the disk.

        Raises:
            InputError: the draft is no entry, or one with its key says something else.
            LedgerBrokenError: the ledger does not end as its head says; nothing is appended to
                what somebody cut or replaced.
            TransientError: others hold the database.
        """
        draft = checked_draft(draft)
        with self._mine, self._appending(), told_errors(self._database):
            seal = self._own_seal()
            connection = self._settled(seal)
            standing = one_entry(connection, "WHERE key = ? AND key != ''", draft.key)
            if standing is not None:
                self._believe(standing, seal)
                if not is_said_by(standing, draft):
                    raise other_said(standing)
                return standing
            last = last_entry(connection)
            entry = seal.entry(draft, last, self._clock.now())
            self._write(connection, seal, last, entry)
            return entry

    def entries(self, subject_id: str | None = None) -> list[LedgerEntry]:
        """Return the entries of a subject, or all, oldest first.

        Raises:
            LedgerBrokenError: one of them is not what was put on record.
            TransientError: others hold the database.
        """
        if not self._database.exists():
            return []
        with self._mine, told_errors(self._database):
            connection = self._connection()
            if subject_id is None:
                found = some_entries(connection, "ORDER BY number")
            else:
                found = some_entries(connection, "WHERE subject_id = ? ORDER BY number", subject_id)
            seal = self._any_seal()
            for entry in found:
                self._believe(entry, seal)
            return found

    def problems(self) -> list[str]:
        """Return a sentence for each thing about the ledger that is not as it was left."""
        if not self._folder.exists():
            return []
        with self._mine, self._appending(is_reading=True):
            try:
                return list(self._problems())
            except (sqlite3.Error, UnicodeError) as error:
                return [f"{self._database} cannot be read as a database any more: {error}."]

    @contextmanager
    def alone(self, subject_id: str) -> Iterator[None]:
        """Wait until no other process or thread works on a subject, then keep others out.

        The system lets go of it when the process dies, however it dies. Ask for a subject once:
        whoever holds it already waits for itself.
        """
        folder = self._folder / "alone"
        path = folder / sha256(subject_id.encode()).hexdigest()[:32]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle = _taken(path)
        except OSError as error:
            raise InputError(f"{path} cannot be locked: {error.strerror}.") from error
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            os.close(handle)

    @property
    def public_key(self) -> str:
        """The key in PEM by which anybody can check entries.

        Raises:
            InputError: nothing was ever put on record.
        """
        return self._any_seal().public_key

    def close(self) -> None:
        """Let go of the database; the next call opens it again."""
        with self._mine:
            if self._held is not None:
                self._held.close()
            self._held = None

    def _write(
        self,
        connection: sqlite3.Connection,
        seal: LedgerSeal,
        last: LedgerEntry | None,
        entry: LedgerEntry,
    ) -> None:
        """Commit an entry between two heads: one that announces it, one that says it stands."""
        is_committed = False
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(INSERT, entry_row(entry))
            write_head(self._head, LedgerHead.at(last, writing=entry), seal)
            connection.execute("COMMIT")
            is_committed = True
        finally:
            if not is_committed:
                self._unwrite(connection, seal, last)
        write_head(self._head, LedgerHead.at(entry), seal)

    def _unwrite(
        self, connection: sqlite3.Connection, seal: LedgerSeal, last: LedgerEntry | None
    ) -> None:
        """Let a failed append leave nothing behind that a later one would finish."""
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        if last_entry(connection) == last:
            write_head(self._head, LedgerHead.at(last), seal)

    def _settled(self, seal: LedgerSeal) -> sqlite3.Connection:
        """Return the database, made if it never was, with an interrupted append finished.

        Raises:
            LedgerBrokenError: the database does not end as the head says.
        """
        head = read_head(self._head, seal)
        if not self._database.exists() and (head is None or not head.number):
            create_database(self._database)
        if not self._database.exists():
            raise LedgerBrokenError(_cut(self._database, head, None))
        connection = self._connection()
        last = last_entry(connection)
        if head is None and last is None:
            return connection
        if head is None or not head.is_of(last):
            raise LedgerBrokenError(_cut(self._database, head, last))
        if head.writing is not None:
            if not head.has_written(last):
                connection.execute(INSERT, entry_row(head.writing))
            write_head(self._head, LedgerHead.at(head.writing), seal)
        return connection

    def _problems(self) -> Iterator[str]:
        try:
            seal = self._any_seal()
        except InputError as error:
            if self._database.exists() or self._head.exists():
                yield str(error)
            return
        yield from self._key_problems(seal)
        entries: list[LedgerEntry] = []
        if self._database.exists():
            connection = self._connection()
            yield from file_problems(connection)
            entries, unreadable = readable_entries(connection)
            yield from unreadable
            yield from chain_problems(entries, seal)
        yield from self._end_problems(entries[-1] if entries else None, seal)

    def _key_problems(self, seal: LedgerSeal) -> Iterator[str]:
        public = self._folder / "ledger.pub"
        if not self._key_file.exists():
            yield (
                f"The key {self._key_file} is not there; entries were compared with {public} "
                "alone, which whoever writes to the folder could have replaced."
            )
        elif self._database.exists() and not public.exists():
            yield f"The public key {public} is not there; the next entry brings it back."
        elif public.exists() and public.read_bytes() != seal.public_key.encode():
            yield f"{public} is not the public half of {self._key_file}."

    def _end_problems(self, last: LedgerEntry | None, seal: LedgerSeal) -> Iterator[str]:
        try:
            head = read_head(self._head, seal)
        except InputError as error:
            yield str(error)
            return
        if head is None and last is None:
            return
        if head is None or not head.is_of(last):
            yield _cut(self._database, head, last)

    def _own_seal(self) -> LedgerSeal:
        """Return the seal with the private key, made on first use of an empty folder."""
        if not self._key_file.exists() and self._database.exists():
            raise LedgerBrokenError(
                f"The key {self._key_file}, which the ledger in {self._folder} was signed with, is "
                "not there; bring it back, or move the folder away to begin another ledger."
            )
        if not self._key_file.exists():
            make_key(self._key_file)
        public, seal = self._folder / "ledger.pub", self._private_seal()
        if not public.exists():
            write_whole(public, seal.public_key.encode())
        return seal

    def _any_seal(self) -> LedgerSeal:
        """Return the seal with the private key, else the one that can only check."""
        if os.access(self._key_file, os.R_OK):
            return self._private_seal()
        public = self._folder / "ledger.pub"
        try:
            return LedgerSeal.of_public_key(public.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise LedgerBrokenError(
                f"Neither {self._key_file} nor {public} can be read, so nobody can tell whether "
                "entries are as they were signed."
            ) from error

    def _private_seal(self) -> LedgerSeal:
        """Return the seal of the key as its file stands; kept, for it remembers what it checked."""
        told = self._key_file.stat()
        found = (told.st_ino, told.st_mtime_ns, told.st_mode)
        if self._seal is None or self._seal[0] != found:
            self._seal = (found, LedgerSeal.of_key_file(self._key_file))
        return self._seal[1]

    def _believe(self, entry: LedgerEntry, seal: LedgerSeal) -> None:
        wrong = seal.problem_of(entry)
        if wrong:
            raise LedgerBrokenError(
                f"{self._database}: {wrong} `anops decisions verify` tells all that is wrong."
            )

    def _connection(self) -> sqlite3.Connection:
        """Return this process's connection, a new one where the file or the process is another."""
        identity = (os.getpid(), self._database.stat().st_ino)
        if self._held is None or self._held.identity != identity:
            self._held = LedgerConnection(self._database, identity)
        return self._held.connection

    @contextmanager
    def _appending(self, *, is_reading: bool = False) -> Iterator[None]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._folder / "append.lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise InputError(
                f"The ledger in {self._folder} cannot be used: {error.strerror}."
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_SH if is_reading else fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _taken(path: Path) -> int:
    """Return a handle of a file that is locked for us, and still the one at that path."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        fcntl.flock(handle, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if path.stat().st_ino == os.fstat(handle).st_ino:
                return handle
        os.close(handle)


def _cut(database: Path, head: LedgerHead | None, last: LedgerEntry | None) -> str:
    """Return the sentence for a ledger that does not end as its head says."""
    ends = f"ends with entry {last.number}" if last else "holds no entry"
    says = "there is no head beside it" if head is None else f"its head says entry {head.number}"
    if head is not None and last is not None and head.number == last.number:
        says = "its head says another entry of that number"
    return (
        f"{database} {ends}, and {says}: its end was cut off or it was replaced. "
        "Bring back the newest copy of the whole folder."
    )
