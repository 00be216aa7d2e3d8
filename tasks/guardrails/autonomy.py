"""At which level of autonomy a use case is: a fold over the ledger, and nothing else.

A level falls at once, by one, for each bad outcome (found worse, taken back, or failed while it was
carried out), even before that is put on record as a change of level. It rises by one, only on
verified outcomes since it last fell, and only after a time of cooling.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from scipy.special import betaincinv

from semantic_layer.autonomy import AutonomyRules, UseCaseAutonomy
from semantic_layer.errors import InputError, UnknownNameError
from tasks.messages.ledger import EntryDraft, LedgerEntry

GOOD = "better"
_BAD_KINDS = frozenset({"undone", "execution_failed", "rolled_back"})
Result = Literal["good", "neither", "bad"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one proposal; `entry` is the number of the entry that first said so."""

    proposal_id: str
    at: datetime
    entry: int
    result: Result


@dataclass(frozen=True, slots=True)
class AutonomyChange:
    """A change of level that is due and not on record yet.

    Attributes:
        key: of its entry; the same reason never changes a level twice.
        evidence: outcomes, good ones and bound, or the outcome that it follows from.
    """

    use_case: str
    from_level: int
    to_level: int
    reason: str
    key: str
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def draft(self, actor: str, at: datetime) -> EntryDraft:
        """Return the entry that puts the change on record."""
        payload = {
            "from_level": self.from_level,
            "to_level": self.to_level,
            "reason": self.reason,
            "evidence": dict(self.evidence),
        }
        return EntryDraft("autonomy_changed", self.use_case, actor, at, payload, self.key)


@dataclass(frozen=True, slots=True)
class Autonomy:
    """Where a use case stands.

    Attributes:
        level: that counts now, bad outcomes not yet on record included.
        recorded: as the record says, the first level where nothing is recorded.
        changed_at: when it last changed on record, or fell; None where it never did.
        outcomes, good: verified ones since it last fell, and the good ones of them.
        lower_bound: of the share of good ones, 0 where there is none.
        lacking: what is missing to rise, a sentence; empty where it may rise or stands highest.
        due: changes to be put on record, in order.
    """

    use_case: str
    level: int
    recorded: int
    changed_at: datetime | None
    outcomes: int
    good: int
    lower_bound: float
    lacking: str
    due: tuple[AutonomyChange, ...]


def autonomy_of(
    use_case: str, entries: Sequence[LedgerEntry], at: datetime, rules: AutonomyRules
) -> Autonomy:
    """Return where a use case stands.

    Args:
        use_case: as defined in autonomy.yaml.
        entries: of the whole ledger, oldest first.
        at: time of the network.
        rules: of autonomy.

    Raises:
        UnknownNameError: no such use case.
    """
    own = _defined(use_case, rules)
    changes = [
        one for one in entries if one.kind == "autonomy_changed" and one.subject_id == use_case
    ]
    recorded = int(changes[-1].payload["to_level"]) if changes else own.first
    found = outcomes(use_case, entries)
    falls = _falls_due(own, recorded, changes, found)
    level = falls[-1].to_level if falls else recorded
    counted = _counted(changes, found, at, rules)
    good = sum(one.result == "good" for one in counted)
    bound = lower_bound(good, len(counted), rules.confidence)
    changed_at = _changed_at(changes, found)
    rise, lacking = None, ""
    if not falls:
        rise, lacking = _rise(own, level, counted, (changed_at, at), rules)
    due = (*falls, *((rise,) if rise is not None else ()))
    return Autonomy(use_case, level, recorded, changed_at, len(counted), good, bound, lacking, due)


def outcomes(use_case: str, entries: Sequence[LedgerEntry]) -> list[Outcome]:
    """Return what became of a use case's proposals, each once, by when it was first known.

    A bad result stays one, whatever is found later; an undoing of what was found worse is no
    second outcome.
    """
    mine: set[str] = set()
    found: dict[str, Outcome] = {}
    for entry in entries:
        if entry.kind == "proposed" and entry.payload["proposal"]["use_case"] == use_case:
            mine.add(entry.subject_id)
        result = _result(entry)
        if entry.subject_id not in mine or result is None:
            continue
        before = found.get(entry.subject_id)
        if before is None or (before.result != "bad" and result == "bad"):
            found[entry.subject_id] = Outcome(entry.subject_id, entry.at, entry.number, result)
    return sorted(found.values(), key=lambda one: one.entry)


def lower_bound(good: int, count: int, confidence: float) -> float:
    """Return the one-sided lower confidence bound of a share (Clopper and Pearson, 1934).

    >>> round(lower_bound(10, 10, 0.95), 3)
    0.741
    """
    if good <= 0:
        return 0.0
    return float(betaincinv(good, count - good + 1, 1.0 - confidence))


def change_by_hand(
    now: Autonomy, to_level: int, reason: str, rules: AutonomyRules, number: int
) -> AutonomyChange:
    """Return the change of level that a person makes.

    Args:
        now: where the use case stands.
        to_level: wanted.
        reason: the person's own words.
        rules: of autonomy.
        number: of the newest entry; tells this change from the person's others.

    Raises:
        InputError: there is no reason, no such level, or it is higher than a hand may set.
    """
    own = _defined(now.use_case, rules)
    if not reason.strip():
        raise InputError("A level is set by hand with a reason; say why, with --reason.")
    if rules.level(to_level) is None:
        raise InputError(f"There is no level L{to_level}; levels are L0 to L5.")
    if to_level > max(own.highest_by_hand, now.level):
        raise InputError(
            f"{now.use_case} may be set by hand up to L{own.highest_by_hand}, not L{to_level}; "
            "higher levels are earned by verified outcomes."
        )
    key = f"autonomy:{now.use_case}:by_hand:{number}"
    return AutonomyChange(now.use_case, now.level, to_level, reason.strip(), key)


def _defined(use_case: str, rules: AutonomyRules) -> UseCaseAutonomy:
    own = rules.of(use_case)
    if own is None:
        raise UnknownNameError.of(
            "use case", use_case, [one.use_case for one in rules.use_cases], "autonomy.yaml"
        )
    return own


def _result(entry: LedgerEntry) -> Result | None:
    if entry.kind in _BAD_KINDS:
        return "bad"
    if entry.kind != "verified":
        return None
    verdict = str(entry.payload["verdict"])
    return "good" if verdict == GOOD else "bad" if verdict == "worse" else "neither"


def _falls_due(
    own: UseCaseAutonomy,
    recorded: int,
    changes: Sequence[LedgerEntry],
    found: Sequence[Outcome],
) -> list[AutonomyChange]:
    """Return a fall for each bad outcome that no change on record answers."""
    answered = {str(dict(one.payload.get("evidence") or {}).get("outcome_of")) for one in changes}
    falls: list[AutonomyChange] = []
    level = recorded
    for outcome in found:
        if outcome.result != "bad" or outcome.proposal_id in answered:
            continue
        lower = max(level - 1, min(own.lowest, level))
        falls.append(
            AutonomyChange(
                own.use_case,
                level,
                lower,
                f"Proposal {outcome.proposal_id} ended badly: found worse, taken back, or failed.",
                f"autonomy:{own.use_case}:fell:{outcome.proposal_id}",
                {"outcome_of": outcome.proposal_id, "entry": outcome.entry},
            )
        )
        level = lower
    return falls


def _counted(
    changes: Sequence[LedgerEntry], found: Sequence[Outcome], at: datetime, rules: AutonomyRules
) -> list[Outcome]:
    """Return the outcomes that are evidence: after the last bad one or fall, and not too old."""
    bad = [one.entry for one in found if one.result == "bad"]
    lowered = [one.number for one in changes if one.payload["to_level"] < one.payload["from_level"]]
    since = max((*bad, *lowered), default=0)
    oldest = at - timedelta(days=rules.evidence_days)
    return [one for one in found if one.entry > since and one.at >= oldest]


def _changed_at(changes: Sequence[LedgerEntry], found: Sequence[Outcome]) -> datetime | None:
    times = [one.at for one in changes] + [one.at for one in found if one.result == "bad"]
    return max(times, default=None)


def _rise(
    own: UseCaseAutonomy,
    level: int,
    counted: Sequence[Outcome],
    times: tuple[datetime | None, datetime],
    rules: AutonomyRules,
) -> tuple[AutonomyChange | None, str]:
    """Return the rise that is earned, or what lacks for it."""
    changed_at, at = times
    target = level + 1
    needed = rules.needed(target)
    if target > own.highest or needed is None:
        return None, ""
    good = sum(one.result == "good" for one in counted)
    bound = lower_bound(good, len(counted), rules.confidence)
    if len(counted) < needed.outcomes:
        return None, f"{len(counted)} of {needed.outcomes} verified outcomes for L{target}."
    if bound < needed.least_precision:
        return None, (
            f"{good} good of {len(counted)} prove a share of {bound:.2f}; L{target} needs "
            f"{needed.least_precision:.2f}."
        )
    if changed_at is not None and at - changed_at < timedelta(hours=rules.cooling_hours):
        return None, f"The level changed less than {rules.cooling_hours:g} h ago."
    evidence = {"outcomes": len(counted), "good": good, "lower_bound": round(bound, 4)}
    reason = (
        f"{good} good of {len(counted)} verified outcomes prove, with {rules.confidence:.0%} "
        f"confidence, that more than {bound:.0%} are good."
    )
    key = f"autonomy:{own.use_case}:rose:{target}:{counted[-1].entry}"
    return AutonomyChange(own.use_case, level, target, reason, key, evidence), ""
