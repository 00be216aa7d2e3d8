"""Steps of approval: asking people, taking their answers, and publishing what is on record."""

import logging
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import polars as pl

from data_products.change_proposals.derive import derive as change_proposals
from data_products.changed_span import changed_span
from data_products.decisions.derive import derive as decisions
from data_products.decisions.derive import heads
from data_products.lineage import LINEAGE_COLUMNS, Snapshot
from semantic_layer.approval_rules import approval_rules
from semantic_layer.errors import InputError
from semantic_layer.periods import Window
from tasks.agents.run_costs import agent_run_rows
from tasks.approval.approval_text import (
    decisions_text,
    proposal_markdown,
    proposal_text,
    waiting_text,
)
from tasks.approval.deciding import Speaker
from tasks.approval.decision_page import decision_page
from tasks.approval.decision_story import decision_story, story_text
from tasks.approval.desk import Desk
from tasks.approval.people_file import add_token
from tasks.approval.record import (
    entry_rows,
    export_lines,
    export_problems,
    history_problems,
    read_export,
    standing_rows,
    witness_problems,
)
from tasks.guardrails.approvals import load_people
from tasks.step import run_id, show_markdown, step
from tasks.wiring import services

_LOG = logging.getLogger(__name__)
_DECISIONS, _HEADS = "decisions", "decisions.heads"
_PROPOSALS, _RUNS = "change_proposals", "agent_runs"


@runtime_checkable
class _Signed(Protocol):
    """A ledger that tells by which key its entries are checked."""

    @property
    def public_key(self) -> str: ...


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


@step
def publish_decisions() -> Snapshot:
    """Publish what was put on record since, day by day; and each proposal as it stands.

    Days on which nothing was added are left as they are, so the same record gives the same rows.

    Returns:
        The newest snapshot of `decisions`.
    """
    entries = services().ledger.entries()
    told = _publish(_DECISIONS, decisions(entry_rows(entries)), "at", [])
    rows = services().tables.read(_DECISIONS).drop(*LINEAGE_COLUMNS).collect()
    _publish(_HEADS, heads(rows), "day_start", [told])
    standing = change_proposals(standing_rows(desk().lives()))
    _publish(_PROPOSALS, standing, "proposed_at", [told])
    return told


@step
def publish_agent_runs() -> Snapshot:
    """Publish one row for each run of an agent that has ended: questions, calls, cost.

    Only transcripts that no row tells of yet are read; one that was changed is told, and left out.
    """
    transcripts, events = services().transcripts, {}
    standing = services().tables.read(_RUNS).drop(*LINEAGE_COLUMNS, strict=False).collect()
    for name in sorted({*transcripts.runs()} - {*standing["agent_run_id"]}):
        try:
            events[name] = transcripts.read(name)
        except InputError as error:
            _LOG.warning("The run %s is not published: %s", name, error)
    due = pl.concat([standing, agent_run_rows(events)], how="diagonal_relaxed")
    return _publish(_RUNS, due.select(standing.columns), "started_at", [])


@step
def list_decisions(limit: int = 50) -> str:
    """Return the newest proposals and how far each has come, as text."""
    return decisions_text(desk().lives(), limit)


@step
def show_decision(word: str) -> str:
    """Return a decision's whole story as text."""
    return story_text(decision_story(desk().life(word)))


@step
def write_decision_pages(words: list[str]) -> list[Path]:
    """Write the page of each decision under `reports/decisions`; return the files.

    Args:
        words: ids of proposals, or how only theirs begin.
    """
    if not words:
        return []
    chosen = services()
    folder = chosen.settings.root / "reports" / "decisions"
    folder.mkdir(parents=True, exist_ok=True)
    problems, key, paths = chosen.ledger.problems(), _public_key(), []
    for word in words:
        life = desk().life(word)
        path = folder / f"{life.proposal.proposal_id}.html"
        draft = path.with_suffix(".new")
        draft.write_text(decision_page(decision_story(life), problems, key), encoding="utf-8")
        draft.replace(path)
        paths.append(path)
    return paths


@step
def export_decisions(path: Path) -> str:
    """Write the whole record to a file that proves itself; return a sentence.

    Raises:
        InputError: nothing is on record, or the file cannot be written.
    """
    entries = services().ledger.entries()
    if not entries:
        raise InputError("Nothing is on record yet; there is nothing to export.")
    try:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(export_lines(entries, _public_key()))
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from error
    last = entries[-1]
    return f"{len(entries)} entries, the last {last.hash[:16]}, are in {path}.\n{_public_key()}"


@step
def verify_decisions(path: Path | None = None) -> list[str]:
    """Return a sentence for each thing wrong with the ledger, or with an export of it.

    The ledger is compared with the heads that were published, which an older copy would lack. An
    export is checked by the ledger's key and compared with it; without a ledger, by its own key.

    Raises:
        InputError: the file is no export.
    """
    chosen = services()
    if path is None:
        problems = chosen.ledger.problems()
        return problems or witness_problems(
            chosen.tables.read(_HEADS).collect(), chosen.ledger.entries()
        )
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from error
    entries = chosen.ledger.entries()
    problems = export_problems(text, _public_key() if entries else None)
    return problems or (history_problems(read_export(text)[1], entries) if entries else [])


def _publish(table: str, due: pl.DataFrame, time: str, inputs: list[Snapshot]) -> Snapshot:
    """Publish the days on which a table differs from what is due; return its newest snapshot."""
    tables = services().tables
    standing = tables.read(table).drop(*LINEAGE_COLUMNS).collect()
    span = changed_span(standing, due.drop(*LINEAGE_COLUMNS, strict=False), time)
    if span is None:
        return tables.snapshot(table)
    return services().door.publish(table, span, _within(due, time, span), inputs, run_id())


def _within(rows: pl.DataFrame, time: str, span: Window) -> pl.DataFrame:
    return rows.filter(pl.col(time).is_between(span.start, span.end, closed="left"))


def _public_key() -> str:
    ledger = services().ledger
    if not isinstance(ledger, _Signed):
        raise InputError("This ledger does not tell the key that it is signed with.")
    return ledger.public_key
