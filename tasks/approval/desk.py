"""The desk at which proposals wait: every answer is taken alone, judged, and put on record."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from semantic_layer.approval_rules import ApprovalRules
from semantic_layer.errors import InputError
from tasks.action_ports import Ledger, NetworkClock
from tasks.approval.deciding import (
    Decided,
    Speaker,
    approval,
    delegation,
    expiry,
    has_approved,
    rejection,
    request,
    withdrawal,
)
from tasks.approval.wording import counted, moment, plain
from tasks.guardrails.approvals import People
from tasks.messages.ledger import EntryDraft, LedgerEntry
from tasks.messages.proposal_life import ProposalLife, proposal_life

_LEAST_WORD = 4


@dataclass(frozen=True)
class Desk:
    """What is needed to take an answer: the record, the people, the rules and the time."""

    ledger: Ledger
    people: People
    rules: ApprovalRules
    clock: NetworkClock

    def life(self, word: str) -> ProposalLife:
        """Return a proposal as it stands.

        Args:
            word: its id, or how only its id begins.

        Raises:
            InputError: no such proposal, or several.
        """
        told = word.strip().lower()
        entries = self.ledger.entries(told)
        if not entries or entries[0].kind != "proposed":
            entries = self.ledger.entries(self._whole_id(told))
        return proposal_life(entries)

    def lives(self) -> list[ProposalLife]:
        """Return every proposal as it stands, oldest first."""
        by_subject: dict[str, list[LedgerEntry]] = {}
        for entry in self.ledger.entries():
            by_subject.setdefault(entry.subject_id, []).append(entry)
        return [
            proposal_life(entries)
            for entries in by_subject.values()
            if entries[0].kind == "proposed"
        ]

    def waiting(self) -> list[ProposalLife]:
        """Return what people have been asked about and may still answer, soonest to expire first.

        A request whose time is over is not among them, whether or not that is on record yet.
        """
        now = self.clock.now()
        open_ones = [
            (life.expires_at, life)
            for life in self.lives()
            if life.stage == "WAITING" and life.expires_at is not None and now < life.expires_at
        ]
        return [life for _, life in sorted(open_ones, key=lambda one: one[0])]

    def request(self, proposal_ids: Sequence[str]) -> list[str]:
        """Ask people about proposals, or let policy approve them; return those still waiting."""
        for proposal_id in proposal_ids:
            self._settled(proposal_id, lambda life: request(life, self._decided()))
        lives = [proposal_life(self.ledger.entries(one)) for one in proposal_ids]
        return [life.proposal.proposal_id for life in lives if life.stage == "WAITING"]

    def expire(self) -> list[str]:
        """End requests whose time is over; return the proposals' ids."""
        now = self.clock.now()
        due = [one.proposal.proposal_id for one in self.lives() if expiry(one, now) is not None]
        return [
            one
            for one in due
            if self._settled(one, lambda life: expiry(life, now)).stage == "EXPIRED"
        ]

    def approve(self, word: str, speaker: Speaker, digest: str, comment: str = "") -> str:
        """Put a person's approval on record; return what follows, a sentence.

        An approval that comes again is the same one.

        Raises:
            ApprovalRefusedError: they may not, or it is another change set, or too late.
            InputError: no such proposal.
        """

        def draft(life: ProposalLife) -> EntryDraft | None:
            if has_approved(life, speaker, digest, self.rules):
                return None
            return approval(life, speaker, digest, comment, self._decided())

        life = self._settled(self.life(word).proposal.proposal_id, draft)
        return f"{_named(life)} {_approved_so_far(life, speaker.person)}"

    def reject(self, word: str, speaker: Speaker, comment: str = "") -> str:
        """Put a person's no on record; return what follows, a sentence.

        Raises:
            ApprovalRefusedError: they have no say in it, or it is too late.
            InputError: no such proposal.
        """
        life = self._settled(
            self.life(word).proposal.proposal_id,
            lambda found: rejection(found, speaker, comment, self._decided()),
        )
        return f"{_named(life)} is rejected by {speaker.person}; nothing of it is written."

    def delegate(
        self, word: str, speaker: Speaker, to: str, until: datetime | None, comment: str = ""
    ) -> str:
        """Put on record that another approves in a person's place; return it as a sentence.

        Args:
            word: the proposal.
            speaker: who gives the right.
            to: who gets it.
            until: time of the network; as long as the request stands when None.
            comment: for the record.

        Raises:
            ApprovalRefusedError: they may not give it, or not to that person.
            InputError: no such proposal, or a time without zone.
        """
        if until is not None and until.tzinfo is None:
            raise InputError("Until when needs its zone, such as 2026-03-01T18:00Z.")
        found = self.life(word)
        end = until or found.expires_at or self.clock.now() + timedelta(hours=1)
        told = to.strip()
        life = self._settled(
            found.proposal.proposal_id,
            lambda one: delegation(one, speaker, told, end, comment, self._decided()),
        )
        return f"{told} may answer for {speaker.person} on {_named(life)} until {moment(end)}."

    def withdraw(self, word: str, speaker: Speaker, reason: str = "") -> str:
        """Take a proposal back before anything is written; return it as a sentence.

        Raises:
            ApprovalRefusedError: it is executed or ended, or they may not.
            InputError: no such proposal.
        """
        life = self._settled(
            self.life(word).proposal.proposal_id,
            lambda found: withdrawal(found, speaker, reason, self._decided()),
        )
        return f"{_named(life)} is withdrawn by {speaker.person}."

    def _settled(
        self, proposal_id: str, draft: Callable[[ProposalLife], EntryDraft | None]
    ) -> ProposalLife:
        """Let a draft be made of the proposal as it stands, alone; return how it stands then."""
        with self.ledger.alone(proposal_id):
            life = proposal_life(self.ledger.entries(proposal_id))
            made = draft(life)
            if made is None:
                return life
            self.ledger.append(made)
            return proposal_life(self.ledger.entries(proposal_id))

    def _decided(self) -> Decided:
        """Return who decides under which rules now; asked for once the proposal is ours alone."""
        return Decided(self.people, self.rules, self.clock.now())

    def _whole_id(self, word: str) -> str:
        found = {
            entry.subject_id
            for entry in self.ledger.entries()
            if entry.kind == "proposed" and entry.subject_id.startswith(word)
        }
        if len(found) == 1 and len(word) >= _LEAST_WORD:
            return found.pop()
        told = f"{counted(len(found), 'proposal')} begin so" if found and word else "none begins so"
        raise InputError(
            f"No proposal {plain(word, 60)!r} is on record, {told}; `anops approvals list` and "
            "`anops decisions list` tell them."
        )


def _named(life: ProposalLife) -> str:
    return f"Proposal {life.proposal.proposal_id}"


def _approved_so_far(life: ProposalLife, person: str) -> str:
    needed = life.verdict.persons_needed if life.verdict else 0
    if life.stage == "WAITING":
        lacking = needed - len(life.approvals)
        return f"is approved by {person}; {counted(lacking, 'more person')} must."
    if life.stage == "APPROVED":
        return f"is approved by {person}, as many as are needed; it will be executed."
    return f"was approved by {person}; it is {life.stage} now."
