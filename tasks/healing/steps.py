"""Steps of healing: repairs are proposed; nothing here judges, approves or writes them."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl

from data_products.cell_kpis.saving_periods import SAVING_COLUMNS, without_saving
from data_products.lineage import Snapshot
from semantic_layer.guardrails import guardrail_rules
from semantic_layer.healing import healing_rules
from semantic_layer.identity import MANAGED_ELEMENT, network_root
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.agents.opening import Assignment, Engines, run_agent
from tasks.agents.toolbox.sources import ToolSources
from tasks.agents.toolbox.toolbox import toolbox
from tasks.healing.agent import heal_cell
from tasks.healing.candidates import (
    Candidate,
    attempt_trigger,
    candidates,
    is_timely,
    lives_of,
    no_longer_standing,
    outcomes_of,
)
from tasks.healing.departures import (
    CELL_CLASSES,
    RELATIONS,
    TILT_ATTRIBUTES,
    Departure,
    departures,
    plan_of,
)
from tasks.healing.gathering import cell_states, kpi_columns, looked_at, saving_cells
from tasks.healing.shifts import needed_days, past_of, shifts
from tasks.healing.tools import HEALING_AGENT, CellFacts, healing_tools
from tasks.messages.canonical import digest_of
from tasks.messages.change_sets import ManagedObject
from tasks.messages.ledger import EntryDraft
from tasks.messages.proposal_life import ProposalLife
from tasks.messages.proposals import ChangeProposal
from tasks.step import show_table, step
from tasks.twin.sleep_modes import SAVING_FUNCTION
from tasks.twin.what_if_rows import SimulatedChanges
from tasks.wiring import services

_LOG = logging.getLogger(__name__)
_PLANNED, _KPIS, _FINDINGS = "network_configuration.planned", "cell_kpis", "cell_anomalies"
_ALARM_DAYS = 7


@step
def propose_repairs(findings: Snapshot, window: Window) -> list[str]:
    """Put on record a proposal for each cell whose fault can be healed; return their ids.

    Cells are those with a finding that goes on, and those whose live configuration departs from
    plan. Open proposals whose cause is seen no more are withdrawn.

    Args:
        findings: the snapshot of `cell_anomalies` that it follows from.
        window: what was scored; cells are looked at as they are at its end.
    """
    chosen, rules = services(), healing_rules()
    now = chosen.network_clock.now()
    if not is_timely(window.end, now, rules):
        _LOG.info("Nothing is repaired by what was measured until %s: it is %s.", window.end, now)
        return []
    live = _live_objects()
    plan = plan_of(chosen.tables.read(_PLANNED).collect())
    departed = departures(plan, live)
    lives = lives_of(chosen.ledger.entries())
    found = candidates(departed, _ongoing(findings, window), lives, rules, saving_cells(live))
    decided = _decided(found, _facts(found, departed, live, lives, window), live, window)
    made, right = [], dict[str, list[str]]()
    for candidate, proposal in decided:
        right.setdefault(candidate.cell_dn, []).append(proposal.change_set.digest)
        trigger = attempt_trigger(proposal.change_set, lives, now, rules)
        if trigger is not None:
            made.append(_on_record(proposal, trigger, now))
    _withdraw(no_longer_standing(lives, right), now)
    show_table("repairs-proposed", [_row(one) for one in made], f"{len(made)} repairs proposed")
    return [one.proposal_id for one in made]


def _live_objects() -> list[ManagedObject]:
    """Return every cell, tilt, relation and saving function that the network has now."""
    chosen = services()
    planned = chosen.tables.read(_PLANNED, columns=["managed_object_dn"]).select(
        pl.col("managed_object_dn").str.replace(rf"({MANAGED_ELEMENT}=[^,]*).*", "$1").unique()
    )
    roots = sorted({network_root(dn) for dn in planned.collect().to_series()})
    classes = (*CELL_CLASSES, *TILT_ATTRIBUTES, *RELATIONS, SAVING_FUNCTION)
    return [
        one
        for root in roots
        for name in dict.fromkeys(classes)
        for one in chosen.gateway.read_below(root, name)
    ]


def _ongoing(findings: Snapshot, window: Window) -> pl.DataFrame:
    """Return the findings that go on at the window's end, in the order of reading."""
    tables = services().tables
    told = tables.read(_FINDINGS, window, snapshot_id=findings.id or None).collect()
    worth = tables.read("cell_anomalies.worth", window).collect()
    key = ["anomaly_id", "window_start"]
    return (
        told.filter(pl.col("is_ongoing") | (pl.col("anomaly_end") >= window.end))
        .join(worth.select(*key, "reading_rank"), on=key, how="left")
        .sort("reading_rank", "anomaly_id", nulls_last=True)
    )


def _facts(
    found: Sequence[Candidate],
    departed: Sequence[Departure],
    live: Sequence[ManagedObject],
    lives: Sequence[ProposalLife],
    window: Window,
) -> CellFacts:
    tables, rules = services().tables, healing_rules()
    topology = tables.read("network_topology", columns=["cell_dn", "site_id", "valid_from"])
    newest = topology.sort("valid_from").unique("cell_dn", keep="last").drop_nulls("site_id")
    sites = dict(newest.select("cell_dn", "site_id").collect().iter_rows())
    cells = [one.cell_dn for one in found]
    kpis, days = kpi_columns(catalogue(), rules), needed_days(rules)
    past = Window(window.end - timedelta(days=days), window.end)
    wanted = looked_at(cells, sites, rules) if cells else []
    named = [kpi.column for kpi in kpis]
    columns = ["cell_dn", "period_start", "granularity", *named, *SAVING_COLUMNS]
    rows = without_saving(tables.read(_KPIS, past, columns=columns), named).filter(
        pl.col("granularity") == "15min", pl.col("cell_dn").is_in(wanted)
    )
    cube = past_of(rows.collect(), kpis, window.end, days)
    lately = Window(window.end - timedelta(days=_ALARM_DAYS), window.end)
    alarms = tables.read("alarms", lately).collect()
    changes = tables.read("change_history").collect()
    snapshots = [tables.snapshot(name) for name in (_KPIS, _PLANNED, "alarms", "change_history")]
    return CellFacts(
        shifts=shifts(cube, rules),
        departures=departed,
        site_of=sites,
        states=cell_states(cells, live, alarms, changes, window.end),
        outcomes=outcomes_of(lives),
        sources=tuple(f"{one.table}@{one.id}" for one in snapshots),
        window=str(window),
    )


def _decided(
    found: Sequence[Candidate],
    facts: CellFacts,
    live: Sequence[ManagedObject],
    window: Window,
) -> list[tuple[Candidate, ChangeProposal]]:
    """Let an agent look at each cell; return what is proposed."""
    chosen = services()
    sources = ToolSources(
        reader=chosen.reader,
        identity=HEALING_AGENT,
        knowledge=chosen.knowledge,
        network=None,
        window=window,
        purpose="heal-cells",
        what_if=SimulatedChanges(chosen.tables.read, guardrail_rules(), live),
    )
    engines = Engines(
        chosen.chat,
        chosen.transcripts,
        chosen.spans,
        {**toolbox(sources), **healing_tools(facts)},
        chosen.clock,
    )
    now = chosen.network_clock.now()
    made = []
    for candidate in found:
        assignment = Assignment(
            agent="heal_cell",
            identity=HEALING_AGENT,
            use_case="heal_cells",
            run_id=f"heal-{window.end:%Y%m%dT%H%M}-{digest_of(candidate.cell_dn)[:10]}",
            seed=int(digest_of([candidate.cell_dn, str(window)])[:8], 16),
            arguments={
                "cell_dn": candidate.cell_dn,
                "at": now.isoformat(),
                "trigger_ids": list(candidate.trigger_ids),
            },
        )
        decision = run_agent(engines, assignment, heal_cell)
        if decision["proposal"] is not None:
            made.append((candidate, ChangeProposal.from_json(decision["proposal"])))
        _LOG.debug("%s: %s", candidate.cell_dn, decision["left_because"])
    return made


def _on_record(proposal: ChangeProposal, trigger: str, now: datetime) -> ChangeProposal:
    tried = replace(proposal, trigger_ids=(*proposal.trigger_ids, trigger))
    services().ledger.append(
        EntryDraft(
            "proposed",
            tried.proposal_id,
            tried.proposed_by,
            now,
            {"proposal": tried.to_json()},
            f"proposed:{tried.proposal_id}",
        )
    )
    return tried


def _withdraw(lives: Sequence[ProposalLife], now: datetime) -> None:
    ledger = services().ledger
    for life in lives:
        proposal = life.proposal.proposal_id
        with ledger.alone(proposal):
            standing = lives_of(ledger.entries(proposal))
            if not no_longer_standing(standing, {}):
                continue
            reason = "What it answers is seen no more."
            ledger.append(
                EntryDraft(
                    "withdrawn", proposal, HEALING_AGENT, now, {"reason": reason},
                    f"withdrawn:{proposal}",
                )
            )  # fmt: skip


def _row(proposal: ChangeProposal) -> dict[str, str]:
    return {
        "proposal": proposal.proposal_id,
        "cell": ", ".join(proposal.cell_dns),
        "cause": proposal.hypothesis,
        "probability": f"{proposal.probability:.2f}",
        "why": proposal.reason,
    }
