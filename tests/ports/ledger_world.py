"""Drafts and a ledger in a folder, as tests of ledgers tell them."""

from datetime import UTC, datetime, timedelta

from tasks.adapters.sqlite_ledger import SqliteLedger
from tasks.messages.ledger import EntryDraft

AT = datetime(2026, 3, 1, 6, tzinfo=UTC)


class OneClock:
    def now(self):
        return AT + timedelta(days=200)


def kept(folder, key_file=None):
    return SqliteLedger(folder / "ledger", key_file, OneClock())


def draft(number=1, *, subject="proposal-1", kind="proposed", key=None, **payload):
    told = {"number": number} | payload
    return EntryDraft(
        kind, subject, "healing_agent", AT, told, f"{kind}:{number}" if key is None else key
    )


def reopened(folder):
    return SqliteLedger(folder, None, OneClock())
