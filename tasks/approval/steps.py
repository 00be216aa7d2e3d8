"""Steps of approval: asking people, taking their answers, and publishing what is on record."""

import logging
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from semantic_layer.approval_rules import approval_rules
from semantic_layer.errors import InputError
from tasks.approval.approval_text import proposal_markdown, proposal_text, waiting_text
from tasks.approval.deciding import Speaker
from tasks.approval.desk import Desk
from tasks.approval.people_file import add_token
from tasks.guardrails.approvals import load_people
from tasks.step import show_markdown, step
from tasks.wiring import services

_LOG = logging.getLogger(__name__)


class Answered(NamedTuple):
    """What became of an answer: a sentence, or why it could not be taken."""

    says: str
    problem: str = ""


def desk() -> Desk:
    """Return the desk of this process, with the people as their file stands now."""
    chosen = services()
    people = load_people(chosen.settings.approvers)
    return Desk(chosen.ledger, people, approval_rules(), chosen.network_clock)


@step
def request_approvals(proposal_ids: list[str]) -> list[str]:
    """Ask people about proposals that guardrails allow; return those that wait for one."""
    here = desk()
    waiting = here.request(proposal_ids)
    for proposal_id in waiting:
        life = here.life(proposal_id)
        asked = len(here.people.asked(life.proposal))
        wanted = life.verdict.persons_needed if life.verdict else 0
        if asked < wanted:
            _LOG.warning(
                "Proposal %s needs %d persons; the people file has %d who may approve it.",
                proposal_id, wanted, asked,
            )  # fmt: skip
    text = "\n\n---\n\n".join(proposal_markdown(here.life(one)) for one in waiting[:10])
    show_markdown("waiting-for-approval", text or "Nothing waits.", "What waits for a person")
    return waiting


@step
def expire_requests() -> list[str]:
    """End requests that nobody answered in time; return the proposals' ids."""
    return desk().expire()


@step
def find_waiting() -> list[str]:
    """Return the ids of proposals that wait for people, soonest to expire first."""
    return [life.proposal.proposal_id for life in desk().waiting()]


@step
def list_waiting() -> str:
    """Return what waits for people as text."""
    return waiting_text(desk().waiting())


@step
def show_proposal(word: str) -> str:
    """Return a proposal as text: what, why, limits, rollback, digest."""
    return proposal_text(desk().life(word))


@step
def show_form(word: str, number: int, many: int, problem: str = "") -> dict[str, str]:
    """Return what a form shows of a proposal, and the digest that it asks about."""
    life = desk().life(word)
    return {
        "proposal": life.proposal.proposal_id,
        "digest": life.proposal.change_set.digest,
        "text": proposal_markdown(life, number, many, problem),
        "stage": life.stage,
    }


@step
def approve(word: str, speaker: Speaker, digest: str, comment: str = "") -> str:
    """Put a person's approval of a change set on record; see `Desk.approve`."""
    return desk().approve(word, speaker, digest, comment)


@step
def reject(word: str, speaker: Speaker, comment: str = "") -> str:
    """Put a person's no on record; see `Desk.reject`."""
    return desk().reject(word, speaker, comment)


@step
def delegate(
    word: str, speaker: Speaker, to: str, until: datetime | None = None, comment: str = ""
) -> str:
    """Let another approve in a person's place; see `Desk.delegate`."""
    return desk().delegate(word, speaker, to, until, comment)


@step
def withdraw(word: str, speaker: Speaker, reason: str = "") -> str:
    """Take a proposal back before anything is written; see `Desk.withdraw`."""
    return desk().withdraw(word, speaker, reason)


@step
def take_form(words: dict[str, str]) -> Answered:
    """Take the answer that a form brought; one that cannot be taken is told, not raised.

    Args:
        words: proposal, answer (`APPROVED`, `REJECTED` or `DELEGATED`), author, digest, comment
            and, to delegate, to; as a person typed them.
    """
    here, speaker = desk(), Speaker(words["author"].strip(), "form")
    word, comment = words["proposal"], words.get("comment", "")
    try:
        match words["answer"]:
            case "APPROVED":
                return Answered(here.approve(word, speaker, words["digest"], comment))
            case "REJECTED":
                return Answered(here.reject(word, speaker, comment))
            case "DELEGATED":
                return Answered(here.delegate(word, speaker, words.get("to", ""), None, comment))
            case other:
                return Answered("", f"{other[:40]!r} is no answer.")
    except InputError as error:
        return Answered("", str(error))


@step
def person_of_token(token: str) -> str | None:
    """Return who holds a token, None when nobody does."""
    return load_people(services().settings.approvers).holder_of(token)


@step
def make_token(person: str) -> str:
    """Return a new token of a person; its hash is kept in the file of people.

    Raises:
        InputError: no file of people is set, for the packaged one is nobody's; or nobody of that
            name is in it.
    """
    path: Path | None = services().settings.people_file
    if path is None:
        raise InputError(
            "The packaged file of people is the same everywhere and holds no token; copy "
            "deployments/people.yaml, name the people in it, and set ANOPS_PEOPLE_FILE."
        )
    return add_token(path, person)
