"""What an entry of the ledger says, as a title and a sentence; others' words stay text."""

from collections.abc import Callable, Mapping
from typing import Any

from tasks.approval.wording import counted, plain
from tasks.messages.ledger import LedgerEntry

_THROUGH = {
    "command": "by command",
    "form": "in a form",
    "rest": "over HTTP, by token",
    "policy": "by policy",
}
TITLES: dict[str, str] = {
    "proposed": "Proposed",
    "judged": "Judged",
    "approval_requested": "People asked",
    "approved": "Approved",
    "rejected": "Rejected",
    "delegated": "Right given away",
    "expired": "Expired",
    "withdrawn": "Withdrawn",
    "execution_prepared": "Rollback stored",
    "write_intended": "Write begun",
    "write_done": "Write done",
    "applied": "Applied",
    "execution_failed": "Execution failed",
    "rolled_back": "Rolled back",
    "verified": "Effect measured",
    "undone": "Undone",
    "recall_begun": "Recall begun",
    "recalled": "Taken back as planned",
    "outcome_learned": "Learned",
    "autonomy_changed": "Autonomy changed",
    "frozen": "Network frozen",
    "thawed": "Network thawed",
}
"""What each kind of entry is called on a page."""


def entry_says(entry: LedgerEntry) -> str:
    """Return what an entry says beyond its title; empty where the title says it all."""
    told = _SAYS.get(entry.kind, _reason)(entry.payload)
    return plain(told, 600)


def _proposed(payload: Mapping[str, Any]) -> str:
    return str(payload.get("proposal", {}).get("reason", ""))


def _judged(payload: Mapping[str, Any]) -> str:
    verdict = payload.get("verdict", {})
    broken = verdict.get("breaches", [])
    if broken:
        says = "; ".join(str(one.get("says", "")) for one in broken)
        return f"Refused, {counted(len(broken), 'rule is', 'rules are')} broken: {says}"
    return f"Allowed. {verdict.get('reason', '')}"


def _requested(payload: Mapping[str, Any]) -> str:
    asked = ", ".join(str(one) for one in payload.get("asked", [])) or "nobody named"
    needed = counted(int(payload.get("persons_needed", 1)), "person")
    until = str(payload.get("expires_at", ""))[:16].replace("T", " ")
    return f"{needed} must approve until {until}Z; asked: {asked}."


def _said(payload: Mapping[str, Any]) -> str:
    comment = str(payload.get("comment", "")).strip()
    through = str(payload.get("channel", ""))
    parts = [
        f"“{comment}”" if comment else "",
        f"({_THROUGH.get(through, through)})" if through else "",
    ]
    return " ".join(part for part in parts if part)


def _delegated(payload: Mapping[str, Any]) -> str:
    until = str(payload.get("until", ""))[:16].replace("T", " ")
    return f"To {payload.get('to', '')} until {until}Z. {_said(payload)}"


def _expired(payload: Mapping[str, Any]) -> str:
    return f"Nobody's time is left since {str(payload.get('expires_at', ''))[:19]}Z."


def _prepared(payload: Mapping[str, Any]) -> str:
    writes = counted(len(payload.get("rollback", [])), "write")
    return f"Attempt {payload.get('attempt', 1)}: {writes} would take it back."


def _write(payload: Mapping[str, Any]) -> str:
    way = "Rollback" if payload.get("direction") == "rollback" else "Change"
    left = f" {payload['left']}" if payload.get("left") else ""
    return f"{way}, step {int(payload.get('step', 0)) + 1}, attempt {payload.get('attempt')}.{left}"


def _applied(payload: Mapping[str, Any]) -> str:
    return f"Every write stands, attempt {payload.get('attempt', 1)}."


def _verified(payload: Mapping[str, Any]) -> str:
    verdict = str(payload.get("verdict", "")).replace("_", " ").capitalize()
    return f"{verdict}. {payload.get('reason', '')}"


def _learned(payload: Mapping[str, Any]) -> str:
    return f"Case {payload.get('case_id', '')}: {payload.get('says', '')}"


def _autonomy(payload: Mapping[str, Any]) -> str:
    levels = f"L{payload.get('from_level')} to L{payload.get('to_level')}"
    return f"{levels}. {payload.get('reason', '')}"


def _reason(payload: Mapping[str, Any]) -> str:
    return str(payload.get("reason", ""))


_SAYS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "proposed": _proposed,
    "judged": _judged,
    "approval_requested": _requested,
    "approved": _said,
    "rejected": _said,
    "delegated": _delegated,
    "expired": _expired,
    "execution_prepared": _prepared,
    "write_intended": _write,
    "write_done": _write,
    "applied": _applied,
    "verified": _verified,
    "outcome_learned": _learned,
    "autonomy_changed": _autonomy,
}
