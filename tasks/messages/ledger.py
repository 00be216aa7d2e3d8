"""Entries of the ledger: everything that was decided, approved, written and found out, in order.

The ledger is the only truth about a proposal; how far one has come follows from its entries
(proposal_life.py). An entry names the one before it by hash and is signed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

EntryKind = Literal[
    "proposed",              # payload: proposal
    "judged",                # verdict (GuardVerdict)
    "approval_requested",    # change_digest, persons_needed, expires_at, asked (persons or roles)
    "approved",              # change_digest, comment; the actor is a person or `policy:<use case>`
    "rejected",              # comment
    "delegated",             # to, until, comment; the actor gives away the right to approve
    "expired",               # expires_at
    "withdrawn",             # reason
    "execution_prepared",    # attempt, change_digest, rollback (change set); before any write
    "write_intended",        # attempt, direction (apply | rollback), step (from 0)
    "write_done",            # attempt, direction, step
    "applied",               # attempt, applied_at (time of the network)
    "execution_failed",      # attempt, reason; a rollback follows
    "rolled_back",           # attempt, reason: nothing of the change stands
    "verified",              # verdict (better|as_before|worse|unclear), effect, measured_until
    "undone",                # attempt, reason: applied, found worse, taken back
    "recall_begun",          # reason: what stands of it is taken back as planned, from here on
    "recalled",              # attempt, reason: taken back as planned; nothing of it stands
    "outcome_learned",       # case_id, says
    "autonomy_changed",      # subject is a use case: from_level, to_level, reason, evidence
    "frozen",                # subject `network`: reason; nothing is executed until `thawed`
    "thawed",                # reason
]  # fmt: skip
ENTRY_KINDS: tuple[str, ...] = get_args(EntryKind)


@dataclass(frozen=True, slots=True)
class EntryDraft:
    """What is to be put on record.

    Attributes:
        subject_id: a proposal's id, a use case, or `network`.
        actor: identity of the agent, person, policy or flow that did it.
        at: time of the network; for a sample network that is its own time.
        payload: JSON values, as the kind says.
        key: at most one entry bears it; an append that comes again finds the first.
    """

    kind: EntryKind
    subject_id: str
    actor: str
    at: datetime
    payload: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """An entry as it stands.

    Attributes:
        number: from 1, without a gap.
        recorded_at: by the clock of the machine.
        previous_hash: hash of the entry before; 64 zeros for the first.
        hash: SHA-256 over all other fields but the signature.
        signature: Ed25519 over the hash, hexadecimal.
    """

    number: int
    kind: EntryKind
    subject_id: str
    actor: str
    at: datetime
    recorded_at: datetime
    payload: Mapping[str, Any]
    key: str
    previous_hash: str
    hash: str
    signature: str
