"""Who may approve what, and whether the approvals of a proposal count: pure rules.

The same rule is asked when a person approves and again before the first write, of each approval as
things stood when it was given; so an approval that came into the record by another way counts for
nothing.
"""

import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from semantic_layer.errors import DefinitionError, did_you_mean
from semantic_layer.plain_yaml import read_yaml_file
from tasks.messages.ledger import LedgerEntry
from tasks.messages.proposal_life import ProposalLife, proposal_life
from tasks.messages.proposals import ChangeProposal, Risk

_RISKS: tuple[Risk, ...] = ("low", "medium", "high")
_NAME = re.compile(r"[a-z][a-z0-9_.-]{1,40}")
POLICY = "policy:"
"""How the names of policies begin; no person's can."""


class ApproverRole(BaseModel):
    """What who has a role may approve.

    Attributes:
        use_cases: `all`, or a list.
        highest_risk: of a proposal.
        description: who should have it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    use_cases: Literal["all"] | tuple[str, ...]
    highest_risk: Risk
    description: str = Field(min_length=1)

    def covers(self, proposal: ChangeProposal) -> bool:
        """Tell whether the role reaches a proposal."""
        is_case = self.use_cases == "all" or proposal.use_case in self.use_cases
        known = proposal.risk in _RISKS
        return is_case and known and _RISKS.index(proposal.risk) <= _RISKS.index(self.highest_risk)


class Person(BaseModel):
    """Somebody who may approve.

    Attributes:
        name: as people call them.
        roles: each of the file.
        needs_token: a name typed into a form or a command is not enough.
        token_hashes: SHA-256 of each token that they hold, hexadecimal.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=80)
    roles: tuple[str, ...] = Field(min_length=1)
    needs_token: bool = False
    token_hashes: tuple[str, ...] = ()

    @field_validator("token_hashes")
    @classmethod
    def _only_hashes(cls, hashes: tuple[str, ...]) -> tuple[str, ...]:
        for one in hashes:
            if len(one) != 64 or set(one) - set("0123456789abcdef"):
                raise ValueError("a token hash is 64 hexadecimal digits; never write the token")
        return hashes


class People(BaseModel):
    """Every role, and who has which."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    roles: Mapping[str, ApproverRole]
    persons: Mapping[str, Person]

    @model_validator(mode="after")
    def _only_known(self) -> "People":
        for word, person in self.persons.items():
            if not _NAME.fullmatch(word):
                raise ValueError(f"{word!r} names nobody; use a to z, digits and . _ -")
            for role in person.roles:
                if role not in self.roles:
                    raise ValueError(
                        f"{word} has no known role {role!r}{did_you_mean(role, self.roles)}"
                    )
        hashes = [one for person in self.persons.values() for one in person.token_hashes]
        if len(hashes) != len(set(hashes)):
            raise ValueError("two persons share a token, or one has it twice")
        return self

    def may_approve(self, word: str, proposal: ChangeProposal) -> bool:
        """Tell whether somebody has a role of their own that reaches a proposal."""
        person = self.persons.get(word)
        return person is not None and any(
            self.roles[role].covers(proposal) for role in person.roles
        )

    def asked(self, proposal: ChangeProposal) -> tuple[str, ...]:
        """Return who may approve a proposal, sorted; never who proposed it."""
        return tuple(
            word
            for word in sorted(self.persons)
            if word != proposal.proposed_by and self.may_approve(word, proposal)
        )

    def holder_of(self, token: str) -> str | None:
        """Return who holds a token, None when nobody does; every hash is compared, in like time."""
        told = sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
        found = None
        for word, person in self.persons.items():
            for one in person.token_hashes:
                if hmac.compare_digest(one, told):
                    found = word
        return found


def load_people(path: Path) -> People:
    """Return the people of a file.

    Raises:
        DefinitionError: it cannot be read or contradicts itself.
    """
    try:
        return People.model_validate(read_yaml_file(path))
    except OSError as error:
        raise DefinitionError(
            f"{path} cannot be read ({error.strerror}); ANOPS_PEOPLE_FILE names the file of people."
        ) from error
    except (yaml.YAMLError, ValidationError) as error:
        raise DefinitionError(f"{path.name} cannot be used: {error}") from error


def approval_refusal(
    life: ProposalLife, actor: str, digest: str, at: datetime, people: People
) -> str:
    """Return why somebody's approval of a change set does not count; empty where it does.

    Args:
        life: as it stood before the approval.
        actor: a person of the file, or a policy.
        digest: of the change set that they approve.
        at: time of the network.
        people: who may approve what.
    """
    verdict = life.verdict
    if life.stage != "WAITING" or verdict is None:
        return f"The proposal is {life.stage}; it waits for nobody's approval."
    own = life.proposal.change_set.digest
    if digest != verdict.change_digest or digest != own:
        return (
            f"Named is the change set {digest[:12]}, judged was {verdict.change_digest[:12]}; only "
            "what was judged can be approved."
        )
    if actor.startswith(POLICY):
        return _policy_refusal(life, actor)
    return _unasked(life, at) or _person_refusal(life, actor, at, people)


def say_refusal(life: ProposalLife, actor: str, at: datetime, people: People) -> str:
    """Return why somebody has no say in a proposal that waits; empty where they have.

    Who may approve may reject, and who approved may still.
    """
    if life.stage != "WAITING":
        return f"The proposal is {life.stage}; it waits for nobody's answer."
    return _unasked(life, at) or _no_right(life, actor, at, people)


def delegation_refusal(
    life: ProposalLife, given: tuple[str, str, datetime], at: datetime, people: People
) -> str:
    """Return why somebody may not give away the right to approve a proposal; empty where they may.

    Args:
        life: as it stands.
        given: who gives, to whom, until when.
        at: time of the network.
        people: who may approve what.
    """
    actor, to, until = given
    standing = next((one[1] for one in life.delegations if one[0] == actor and one[2] > at), None)
    reasons = {
        f"{actor} may approve in another's place only; that is not given on.": (
            not people.may_approve(actor, life.proposal)
        ),
        f"{actor} has approved already and has nothing left to give.": actor in life.approvals,
        f"{actor} has given the right to {standing} already.": standing is not None,
        f"{to[:60]!r} is nobody of the people file{did_you_mean(to, people.persons)}": (
            to not in people.persons
        ),
        f"{to} cannot approve in {actor}'s place: it would be no other person's judgment.": (
            to in (actor, life.proposal.proposed_by)
        ),
        f"{to} has approved already and counts once.": to in life.approvals,
        f"Until {until:%Y-%m-%d %H:%M}Z is over; it is {at:%Y-%m-%d %H:%M}Z in the network.": (
            until <= at
        ),
    }
    found = [reason for reason, is_so in reasons.items() if is_so]
    return say_refusal(life, actor, at, people) or (found[0] if found else "")


def approvals_valid(life: ProposalLife, people: People, now: datetime) -> list[str]:
    """Return why the approvals of a proposal do not let it be executed; none where they do.

    Each is judged as things stood when it was given, by the people of today: whoever lost the
    role since has not approved.

    Args:
        life: of the proposal, from the ledger.
        people: who may approve what.
        now: time of the network.
    """
    verdict = life.verdict
    if verdict is None or not verdict.is_allowed:
        return ["Guardrails have not allowed the proposal."]
    if verdict.change_digest != life.proposal.change_set.digest:
        return ["The change set is not the one that was judged."]
    told = _approvals(life, people)
    problems = [
        f"The approval by {entry.actor[:60]} does not count: {refusal}"
        for entry, refusal in told
        if refusal
    ]
    good = {entry.actor for entry, refusal in told if not refusal}
    persons = sum(not name.startswith(POLICY) for name in good)
    if persons < verdict.persons_needed or not good:
        problems.append(f"{persons} persons approved; {verdict.persons_needed} must.")
    if life.stage == "APPROVED" and life.expires_at is not None and now >= life.expires_at:
        problems.append(f"It was to begin before {life.expires_at:%Y-%m-%d %H:%M:%S}Z.")
    return problems


def _approvals(life: ProposalLife, people: People) -> list[tuple[LedgerEntry, str]]:
    """Return each approval on record with the reason why it does not count."""
    return [
        (
            entry,
            approval_refusal(
                proposal_life(life.entries[:place]),
                entry.actor,
                str(entry.payload.get("change_digest", "")),
                entry.at,
                people,
            ),
        )
        for place, entry in enumerate(life.entries)
        if entry.kind == "approved"
    ]


def _policy_refusal(life: ProposalLife, actor: str) -> str:
    if actor != f"{POLICY}{life.proposal.use_case}":
        return f"{actor[:60]} is not the policy of {life.proposal.use_case}."
    if life.verdict is None or life.verdict.persons_needed > 0:
        return "Guardrails want a person's approval; no policy stands in for one."
    return ""


def _unasked(life: ProposalLife, at: datetime) -> str:
    if life.expires_at is None:
        return "Nobody has been asked to approve it."
    if at >= life.expires_at:
        return f"The request expired at {life.expires_at:%Y-%m-%d %H:%M:%S}Z."
    return ""


def _no_right(life: ProposalLife, actor: str, at: datetime, people: People) -> str:
    """Return why somebody has neither a right of their own nor one that was given to them."""
    proposal = life.proposal
    if actor not in people.persons:
        return f"{actor[:60]!r} is nobody of the people file{did_you_mean(actor, people.persons)}"
    if actor == proposal.proposed_by:
        return f"{actor} proposed it; nobody approves what they propose."
    if people.may_approve(actor, proposal) or _givers(life, actor, at, people):
        return ""
    return (
        f"{actor} may not approve {proposal.use_case} of {proposal.risk} risk, by a role or in "
        "another's place."
    )


def _person_refusal(life: ProposalLife, actor: str, at: datetime, people: People) -> str:
    refusal = _no_right(life, actor, at, people)
    if refusal:
        return refusal
    if actor in life.approvals:
        return f"{actor} has approved already and counts once."
    away = [to for who, to, until in life.delegations if who == actor and until > at]
    if away:
        return f"{actor} has given the right to {away[-1]} and no longer has it."
    for giver, to, _ in life.delegations:
        pair = {giver, to}
        if actor in pair and (pair - {actor}) & set(life.approvals):
            other = (pair - {actor}).pop()
            return f"{other} has approved; with whom the right was shared, they count as one."
    return ""


def _givers(life: ProposalLife, actor: str, at: datetime, people: People) -> list[str]:
    """Return who lets somebody approve in their place, and may themselves."""
    return [
        giver
        for giver, to, until in life.delegations
        if to == actor and until > at and people.may_approve(giver, life.proposal)
    ]
