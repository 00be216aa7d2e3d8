"""What becomes of a proposal by people and policies: drafts of entries, or the reason why not.

Pure: from the proposal as it stands, the people and the time of the network. Whoever calls holds
the proposal alone, so that two answers at once are one after the other.
"""

from dataclasses import dataclass
from datetime import datetime

from semantic_layer.approval_rules import ApprovalRules
from semantic_layer.errors import InputError
from tasks.guardrails.approvals import (
    POLICY,
    People,
    approval_refusal,
    delegation_refusal,
    say_refusal,
)
from tasks.messages.ledger import EntryDraft
from tasks.messages.proposal_life import ProposalLife


class ApprovalRefusedError(InputError):
    """Somebody may not say so of this proposal, or not any more."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who says something of a proposal, and how it is known that it is them.

    Attributes:
        person: a word of the people file.
        channel: `command`, `form` or `rest`.
        has_token: they showed a token; otherwise their name was only typed.
    """

    person: str
    channel: str
    has_token: bool = False


@dataclass(frozen=True, slots=True)
class Decided:
    """By whom, when and under which rules something is decided."""

    people: People
    rules: ApprovalRules
    now: datetime


def request(life: ProposalLife, by: Decided) -> EntryDraft | None:
    """Return what happens to a proposal that guardrails allowed; None where it is further on.

    Where no person is needed the policy of its use case approves; otherwise people are asked.
    """
    verdict, proposal = life.verdict, life.proposal
    if verdict is None or life.stage != "WAITING" or life.expires_at is not None:
        return None
    if verdict.persons_needed == 0:
        actor = f"{POLICY}{proposal.use_case}"
        return _approval(life, actor, verdict.reason, "policy", by.now)
    payload = {
        "change_digest": verdict.change_digest,
        "persons_needed": verdict.persons_needed,
        "expires_at": (by.now + by.rules.time_for(proposal.risk)).isoformat(),
        "asked": list(by.people.asked(proposal)),
    }
    key = f"approval_requested:{proposal.proposal_id}"
    return EntryDraft("approval_requested", proposal.proposal_id, "approval", by.now, payload, key)


def expiry(life: ProposalLife, now: datetime) -> EntryDraft | None:
    """Return the entry that ends a request whose time is over; None where it is not."""
    if life.stage != "WAITING" or life.expires_at is None or now < life.expires_at:
        return None
    told, subject = life.expires_at.isoformat(), life.proposal.proposal_id
    return EntryDraft(
        "expired", subject, "approval", now, {"expires_at": told}, f"expired:{subject}"
    )


def approval(
    life: ProposalLife, speaker: Speaker, digest: str, comment: str, by: Decided
) -> EntryDraft:
    """Return the entry by which a person approves a change set.

    Args:
        life: of the proposal.
        speaker: who approves.
        digest: of the change set that they approve; its first digits do, if enough.
        comment: for the record.
        by: people, rules and time.

    Raises:
        ApprovalRefusedError: they may not, or it is another change set.
    """
    _known(speaker, by.people)
    whole = _whole_digest(life, digest, by.rules)
    refusal = approval_refusal(life, speaker.person, whole, by.now, by.people)
    if speaker.person.startswith(POLICY):
        refusal = "Policies approve by themselves; no person speaks for one."
    _refuse(refusal)
    return _approval(life, speaker.person, _kept(comment, by.rules), speaker.channel, by.now)


def rejection(life: ProposalLife, speaker: Speaker, comment: str, by: Decided) -> EntryDraft:
    """Return the entry by which a person says no, once for all.

    Raises:
        ApprovalRefusedError: they have no say in it, or nobody waits for an answer.
    """
    _known(speaker, by.people)
    _refuse(say_refusal(life, speaker.person, by.now, by.people))
    payload = {"comment": _kept(comment, by.rules), "channel": speaker.channel}
    return _draft(life, "rejected", speaker.person, by.now, payload)


def delegation(
    life: ProposalLife, speaker: Speaker, to: str, until: datetime, comment: str, by: Decided
) -> EntryDraft:
    """Return the entry by which a person lets another approve in their place.

    Raises:
        ApprovalRefusedError: they may not give it, or not to that person.
    """
    _known(speaker, by.people)
    given = (speaker.person, to, until)
    _refuse(delegation_refusal(life, given, by.now, by.people))
    payload = {
        "to": to,
        "until": until.isoformat(),
        "comment": _kept(comment, by.rules),
        "channel": speaker.channel,
    }
    subject = life.proposal.proposal_id
    key = f"delegated:{subject}:{speaker.person}:{to}:{until.isoformat()}"
    return EntryDraft("delegated", subject, speaker.person, by.now, payload, key)


def withdrawal(life: ProposalLife, speaker: Speaker, reason: str, by: Decided) -> EntryDraft:
    """Return the entry by which a proposal is taken back before anything is written.

    Who proposed it may, and who may approve it; also after its approval.

    Raises:
        ApprovalRefusedError: it is executed or ended, or they may not.
    """
    _known(speaker, by.people, but=life.proposal.proposed_by)
    is_open = life.stage in ("PROPOSED", "WAITING", "APPROVED")
    is_theirs = speaker.person == life.proposal.proposed_by
    if not is_open:
        _refuse(f"The proposal is {life.stage}; only what has not begun can be withdrawn.")
    if not is_theirs and not by.people.may_approve(speaker.person, life.proposal):
        _refuse(f"{speaker.person} neither proposed it nor may approve it.")
    payload = {"reason": _kept(reason, by.rules), "channel": speaker.channel}
    return _draft(life, "withdrawn", speaker.person, by.now, payload)


def has_approved(life: ProposalLife, speaker: Speaker, digest: str, rules: ApprovalRules) -> bool:
    """Tell whether somebody's approval of this very change set stands already."""
    is_same = _whole_digest(life, digest, rules) == life.proposal.change_set.digest
    return speaker.person in life.approvals and is_same


def _approval(
    life: ProposalLife, actor: str, comment: str, channel: str, now: datetime
) -> EntryDraft:
    subject = life.proposal.proposal_id
    payload = {
        "change_digest": life.proposal.change_set.digest,
        "comment": comment,
        "channel": channel,
    }
    return EntryDraft("approved", subject, actor, now, payload, f"approved:{subject}:{actor}")


def _draft(
    life: ProposalLife, kind: str, actor: str, now: datetime, payload: dict[str, str]
) -> EntryDraft:
    subject = life.proposal.proposal_id
    return EntryDraft(kind, subject, actor, now, payload, f"{kind}:{subject}")  # type: ignore[arg-type]


def _whole_digest(life: ProposalLife, digest: str, rules: ApprovalRules) -> str:
    """Return the digest that a person named, completed where they typed its beginning."""
    told, own = digest.strip().lower(), life.proposal.change_set.digest
    if len(told) < rules.digest_digits:
        raise ApprovalRefusedError(
            f"At least the first {rules.digest_digits} digits of the change set's digest name what "
            "is approved; `anops approvals show` tells it."
        )
    return own if own.startswith(told) else told


def _known(speaker: Speaker, people: People, but: str = "") -> None:
    person = people.persons.get(speaker.person)
    if person is not None and person.needs_token and not speaker.has_token:
        raise ApprovalRefusedError(
            f"{speaker.person} decides with a token only (REST, or --token); a typed name is not "
            "enough."
        )
    if person is None and speaker.person != but:
        raise ApprovalRefusedError(
            f"{speaker.person[:60]!r} is nobody of the people file; ANOPS_PEOPLE_FILE names it."
        )


def _kept(text: str, rules: ApprovalRules) -> str:
    told = text.strip()
    if len(told) > rules.longest_comment:
        raise ApprovalRefusedError(
            f"The comment has {len(told)} characters; at most {rules.longest_comment} are kept."
        )
    return told


def _refuse(refusal: str) -> None:
    if refusal:
        raise ApprovalRefusedError(refusal)
