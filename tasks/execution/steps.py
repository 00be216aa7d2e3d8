"""Steps of execution: approved changes written, verified, undone when worse, and told."""

import logging
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

import polars as pl

from data_products.change_outcomes.derive import derive
from data_products.lineage import LINEAGE_COLUMNS, Snapshot
from semantic_layer.errors import InputError
from semantic_layer.execution_rules import execution_rules
from semantic_layer.guardrails import guardrail_rules
from semantic_layer.kpis import Kpi
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.execution.evidence import LOADS, Surroundings, evidence, needed_columns
from tasks.execution.executing import NETWORK, Carried, Hands, append, carried_out
from tasks.execution.outcomes import due_window, ended_rows
from tasks.execution.recalling import NOTHING_STANDS, recall_refusal, recalled
from tasks.execution.site_savings import elements_of, turns_of, undisturbed, with_savings
from tasks.execution.surroundings import (
    fault_start,
    mean_loads,
    newest_cells,
    newest_profiles,
    overlapping,
    own_changes,
)
from tasks.execution.verification import Schedule, Verification, schedule, verification
from tasks.guardrails.approvals import approvals_valid, load_people
from tasks.guardrails.beginning import beginning_breaches, frozen_because, repair_breaches
from tasks.guardrails.change_forms import is_saving
from tasks.messages.canonical import JsonValue
from tasks.messages.ledger import LedgerEntry
from tasks.messages.proposal_life import ProposalLife, Stage, proposal_life
from tasks.step import run_id, show_table, step
from tasks.wiring import services

_LOG = logging.getLogger(__name__)
_OUTCOMES, _MEASUREMENTS, _FINDINGS = "change_outcomes", "pm_measurements", "cell_anomalies"
_LOOKED_BACK = timedelta(days=7)
_APPROVED: frozenset[Stage] = frozenset({"APPROVED"})
_BEGUN: frozenset[Stage] = frozenset({"EXECUTING", "APPLIED"})
_WRITTEN: frozenset[Stage] = frozenset({"APPLIED", "ROLLED_BACK", "UNDONE", "KEPT", "RECALLED"})


@step
def apply_approved() -> list[str]:
    """Write every approved change, each wholly or not at all; return the ids of those applied.

    What may not begin now waits, and the run's page says why.
    """
    return _carried(_APPROVED, "approved-changes")


@step
def resume_interrupted() -> list[str]:
    """Go on with changes that a crash or a silent network left half way; return those ended so.

    Writes are completed where nothing speaks against it, taken back where something failed, and
    what was found worse is undone.
    """
    return _carried(_BEGUN, "interrupted-changes")


@step
def verify_applied(window: Window) -> list[str]:
    """Judge applied changes by what is measured until the window's end; undo those that are worse.

    Returns:
        The ids of changes of which a verdict was reached.
    """
    found, lives = [], _lives()
    for life in lives:
        if life.stage == "APPLIED" and not life.effect:
            told = _verified(life.proposal.proposal_id, window.end, lives)
            if told is not None:
                found.append(told)
    return found


@step
def recall(
    proposal_ids: list[str],
    reason: str,
    evidence: Mapping[str, Mapping[str, JsonValue]] | None = None,
) -> list[str]:
    """Take changes back as planned, each wholly; return the ids of those of which nothing stands.

    What is written, or half written, is undone by the rollback that was stored before its first
    write; what waits or is approved is withdrawn. Needs no approval. Of a change that is not taken
    back the run's page says why: its use case is none that is, or the network does not let it go.

    Args:
        proposal_ids: each once or several times; those taken back before are returned again.
        reason: a sentence, for the record.
        evidence: by proposal, on which the reason rests; it goes on record with the reason, once:
            a run that goes on after a crash finds it there and adds nothing.

    Raises:
        InputError: there is no reason, an id is no proposal's, or none of them may be taken back.
    """
    if not reason.strip():
        raise InputError("A change is taken back with a reason; say why.")
    hands, wanted = _hands(), list(dict.fromkeys(proposal_ids))
    lives = {life.proposal.proposal_id: life for life in _lives()}
    unknown = [name for name in wanted if name not in lives]
    if unknown:
        raise InputError(f"No proposal {', '.join(map(repr, unknown))} is on record.")
    refusals = {name: recall_refusal(lives[name], hands.rules) for name in wanted}
    if wanted and all(refusals.values()):
        raise InputError(" ".join(refusals.values()))
    rows, found = [], []
    for name in wanted:
        carried = Carried(name, lives[name].stage, refusals[name])
        if not carried.says:
            carried = recalled(name, reason.strip(), hands, (evidence or {}).get(name))
        _LOG.info("%s is %s. %s", name, carried.stage, carried.says)
        if carried.stage in NOTHING_STANDS and not refusals[name]:
            found.append(name)
        rows.append({"proposal": name, "stage": carried.stage, "says": carried.says or reason})
    if rows:
        show_table("recalled-changes", rows, f"{len(found)} changes taken back as planned")
    return found


@step
def publish_outcomes() -> Snapshot:
    """Publish `change_outcomes`: the changes that have ended since, on the days they ended."""
    tables = services().tables
    ended = derive(ended_rows(_lives()))
    standing = tables.read(_OUTCOMES).drop(*LINEAGE_COLUMNS, strict=False).collect()
    window = due_window(ended, standing)
    if window is None:
        return tables.snapshot(_OUTCOMES)
    of_days = pl.col("ended_at").is_between(window.start, window.end, closed="left")
    read = [tables.snapshot(name) for name in (_MEASUREMENTS, "cell_kpis", "network_topology")]
    return services().door.publish(_OUTCOMES, window, ended.filter(of_days), read, run_id())


def _carried(stages: Collection[Stage], page: str) -> list[str]:
    """Carry proposals of some stages on; return those that came to a stage beyond these."""
    hands = _hands()
    found: list[Carried] = []
    for life in _lives():
        is_due = life.stage in stages and (life.stage != "APPLIED" or life.effect == "worse")
        if is_due:
            carried = carried_out(life.proposal.proposal_id, hands)
            _LOG.info("%s is %s. %s", carried.proposal_id, carried.stage, carried.says)
            found.append(carried)
    rows = [
        {"proposal": one.proposal_id, "stage": one.stage, "says": one.says or "nothing left to do"}
        for one in found
    ]
    if rows:
        show_table(page, rows, f"{len(rows)} changes carried on")
    return [one.proposal_id for one in found if not one.says and one.stage in _WRITTEN]


def _verified(proposal_id: str, horizon: datetime, lives: Sequence[ProposalLife]) -> str | None:
    """Put on record what became of a change, if that can be said, and undo it when worse."""
    hands = _hands()
    with hands.ledger.alone(proposal_id):
        life = proposal_life(hands.ledger.entries(proposal_id))
        if life.stage != "APPLIED" or life.effect:
            return None
        found = _verification(life, horizon, lives)
        if found is None:
            return None
        payload = {
            "verdict": found.verdict,
            "reason": found.reason,
            "effect": dict(found.effect),
            "measured_until": found.measured_until.isoformat(),
        }
        append(hands, proposal_id, "verified", f"verified:{proposal_id}", payload)
    _LOG.info("%s is %s. %s", proposal_id, found.verdict, found.reason)
    if found.verdict == "worse":
        carried = carried_out(proposal_id, hands)
        _LOG.info("%s is %s. %s", proposal_id, carried.stage, carried.says)
    return proposal_id


def _verification(
    life: ProposalLife, horizon: datetime, lives: Sequence[ProposalLife]
) -> Verification | None:
    rules, expected = execution_rules(), life.proposal.expected
    if life.prepared is None or life.applied_at is None:
        return None
    tables = services().tables
    findings = tables.read(_FINDINGS, columns=["anomaly_id", "anomaly_start"]).collect()
    since = fault_start(findings, life.proposal.trigger_ids)
    due = schedule(life.prepared.at, life.applied_at, expected, since, horizon, rules)
    if not due.after:
        return None

    def measurements(kpis: Sequence[Kpi], cells: Collection[str]) -> pl.DataFrame:
        rows = tables.read(_MEASUREMENTS, due.window)
        columns = needed_columns(kpis, catalogue(), rows.collect_schema().names())
        own = pl.col("cell_dn").is_in(sorted(cells))
        above = pl.col("cell_dn").is_null() & pl.col("managed_element_dn").is_in(
            sorted(elements_of(cells))
        )
        return rows.filter(own | above).select(columns).collect()

    near = _surroundings(life, due, lives)
    told = evidence(life.proposal, near, measurements, catalogue(), rules)
    own = undisturbed(due, turns_of(filter(_saves, lives), life.proposal)) if _saves(life) else due
    return verification(expected, due, told, rules, own)


def _surroundings(life: ProposalLife, due: Schedule, lives: Sequence[ProposalLife]) -> Surroundings:
    tables, window = services().tables, due.window
    others = own_changes(lives, life.proposal.proposal_id)
    cells = ["cell_dn", "band", "archetype", "neighbor_dns", "valid_from"]
    topology = tables.read("network_topology", columns=cells).collect()
    weeks = ["cell_dn", "cell_profile", "week_start"]
    profiles = tables.read("cell_profiles", columns=weeks).collect()
    loads = [catalogue().kpi(name).column for name in LOADS]
    hours = window.before(timedelta(hours=execution_rules().load_hours))
    kpis = tables.read("cell_kpis", hours, columns=["cell_dn", "granularity", *loads])
    return Surroundings(
        newest_cells(topology, window.start),
        newest_profiles(profiles, window.start),
        mean_loads(kpis.filter(pl.col("granularity") == "hour").collect(), loads),
        tuple(sorted(_busy(window) | overlapping(others, window))),
        *map(frozenset, with_savings(filter(_saves, lives), window)),
    )


def _saves(life: ProposalLife) -> bool:
    return is_saving(life.proposal.change_set)


def _busy(window: Window) -> set[str]:
    """Return the objects with findings, changes by people or tickets in a window."""
    tables = services().tables
    before = Window(window.start - _LOOKED_BACK, window.end)
    findings = tables.read(_FINDINGS, before).select(
        "anomaly_start", "anomaly_end", pl.concat_list("cell_dn")
    )
    changes = tables.read("change_history", before).select(
        pl.coalesce("actual_start", "planned_start"),
        pl.coalesce("actual_end", "planned_end"),
        "managed_object_dns",
    )
    tickets = tables.read("trouble_tickets", before).select(
        "opened_at", pl.coalesce("resolved_at", "closed_at"), "managed_object_dns"
    )
    return {
        dn
        for rows in (findings, changes, tickets)
        for dn in overlapping(rows.collect().iter_rows(), window)
    }


def _lives() -> list[ProposalLife]:
    """Return every proposal on record, in the order that they were made."""
    by_subject: dict[str, list[LedgerEntry]] = defaultdict(list)
    for entry in services().ledger.entries():
        by_subject[entry.subject_id].append(entry)
    return [proposal_life(told) for told in by_subject.values() if told[0].kind == "proposed"]


def _hands() -> Hands:
    chosen = services()
    people, rules = load_people(chosen.settings.approvers), guardrail_rules()

    others = cache(_lives)  # read once for all changes that are carried on together

    def not_now(life: ProposalLife, now: datetime) -> str:
        """Return why guards or approvals do not let a change begin; asked up to its first write."""
        waiting = replace(life, stage="APPROVED")
        frozen = frozen_because(chosen.ledger.entries(NETWORK))
        breaches = beginning_breaches(waiting, now, frozen, rules)
        if _saves(life):
            breaches += repair_breaches(waiting, others())
        told = [one.says for one in breaches] + approvals_valid(waiting, people, now)
        return " ".join(dict.fromkeys(told))

    return Hands(
        chosen.ledger,
        chosen.gateway,
        chosen.network_clock.now,
        time.sleep,
        not_now,
        execution_rules(),
    )
