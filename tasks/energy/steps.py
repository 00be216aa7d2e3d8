"""Steps of saving energy: a goal becomes a plan, and a plan proposals and wakings.

Nothing here judges, approves or writes to the network.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from data_products.lineage import Snapshot
from data_products.sleep_plans.derive import derive, derive_compared
from semantic_layer.energy_accounting import energy_accounting_rules
from semantic_layer.energy_goals import energy_goals_rules
from semantic_layer.energy_planning import energy_planning_rules
from semantic_layer.energy_waking import energy_waking_rules
from semantic_layer.errors import InputError, TransientError
from semantic_layer.guardrails import guardrail_rules
from semantic_layer.identity import network_root
from semantic_layer.periods import Window
from semantic_layer.protected import ProtectedPlaces, load_protected_places, protected_places
from semantic_layer.services import service_catalogue
from tasks.agents.opening import Assignment, Engines, run_agent
from tasks.energy.agent import AGENT, plan_energy
from tasks.energy.forecasting.forecast_rows import forecast_of
from tasks.energy.forecasting.load_forecast import LoadForecast
from tasks.energy.goals.goal import GoalError
from tasks.energy.goals.places import places_of
from tasks.energy.lately import carrying_badly, demand_missed, plans_before
from tasks.energy.ledger_views import (
    lives_of,
    newest_plan,
    plan_told,
    proposed_entry,
    standing_rows,
    withdrawn_entry,
)
from tasks.energy.left_out import cannot_save, left_out
from tasks.energy.pages import plan_markdown, plan_page
from tasks.energy.plan_rows import PlanFacts, compared_rows, plan_rows
from tasks.energy.plan_story import plan_story
from tasks.energy.planning.published import published_network
from tasks.energy.problems import ProblemMaker, hourly_prices
from tasks.energy.promises import least_floor_mbps, promised
from tasks.energy.proposing import (
    no_longer_wanted,
    proposal_row,
    proposals,
    saving_functions,
    standing_modes,
    unwanted,
    within_entering,
)
from tasks.energy.report_files import write_report
from tasks.energy.seen_demand import DemandWatch
from tasks.energy.standing import mode_course
from tasks.energy.swelling import missed_says
from tasks.energy.tools import ENERGY_AGENT, Ground, PlanningDesk, energy_tools
from tasks.energy.waking.sleepers import USE_CASE
from tasks.energy.wanted import Wanted, wanted_at
from tasks.guardrails.trouble import ALARMS, FINDINGS, troubled_cells
from tasks.messages.canonical import digest_of
from tasks.messages.cell_reports import CellReport
from tasks.messages.change_sets import ManagedObject
from tasks.messages.proposals import ChangeProposal
from tasks.step import run_id, show_markdown, show_table, step
from tasks.twin.sleep_modes import SAVING_FUNCTION
from tasks.wiring import services

_LOG = logging.getLogger(__name__)
_PLANS, _COMPARED, _FORECASTS = "sleep_plans", "sleep_plans.compared", "load_forecasts"
_QUARTER = timedelta(minutes=15)
_TROUBLE_DAYS = 14
_OWN_PLACES = "protected.yaml"
_INPUTS = ("network_topology", "network_configuration", "cell_kpis")


@step
def plan_saving(forecast: Snapshot, goal: str, window: Window) -> Snapshot:
    """Publish `sleep_plans`: which cells are to save how deep from a forecast's beginning on.

    Args:
        forecast: the snapshot of `load_forecasts` that the plan rests on.
        goal: a person's text; where it is empty the one before goes on, or that of the rules.
        window: what was measured last; the plan begins at its end.

    Raises:
        GoalError: the goal is unclear, contradicts itself, or asks for what is barred.
        InputError: no load was forecast at the window's end.
    """
    desk, facts = _planned(forecast, goal.strip() or _standing_goal(window), window)
    return _published(desk, facts, forecast)


def planned_text(goal: str, *, stands: bool = False) -> str:
    """Plan for a goal from the newest forecast on, and return what is to be said of it.

    Args:
        goal: a person's text.
        stands: publish the plan, so that its goal stands until another does; otherwise it is
            only told.

    Raises:
        GoalError: the goal is unclear, contradicts itself, or asks for what is barred.
        InputError: no load was forecast yet.
    """
    tables = services().tables
    if tables.bounds(_FORECASTS) is None:
        raise InputError("No load was forecast yet; run save-energy, or forecast load, first.")
    made = tables.read(_FORECASTS, columns=["made_at"]).select(pl.col("made_at").max()).collect()
    made_at: datetime = made.item()
    forecast = tables.snapshot(_FORECASTS)
    desk, facts = _planned(forecast, goal, Window(made_at - _QUARTER, made_at))
    if stands:
        _published(desk, facts, forecast)
    return plan_markdown(plan_story(desk, facts, _rows(desk, facts)))


def status_rows() -> list[dict[str, Any]]:
    """Return a row a change that saves energy now: site, cells, modes, since when, how proved."""
    chosen = services()
    topology = chosen.tables.read("network_topology", columns=["cell_dn", "site_id", "valid_from"])
    newest = topology.sort("valid_from").unique("cell_dn", keep="last").drop_nulls("site_id")
    sites = dict(newest.select("cell_dn", "site_id").collect().iter_rows())
    now = chosen.network_clock.now()
    return standing_rows(lives_of(chosen.ledger.entries()), sites, now)


@step
def due_to_wake(plan: Snapshot, window: Window) -> list[str]:
    """Return the proposals that stand and whose cells a plan wants in another mode now.

    Where the plan is too old to say, all are: who sleeps without a plan wakes.

    Args:
        plan: the snapshot of `sleep_plans`.
        window: what was measured last.
    """
    now, rules = services().network_clock.now(), energy_goals_rules()
    wanted = _wanted(plan, _newest(window), now)
    lives = lives_of(services().ledger.entries())
    return unwanted(wanted or {}, lives, now, rules)


@step
def propose_sleep(plan: Snapshot, window: Window) -> list[str]:
    """Put on record a proposal for each site whose cells a plan wants to save now; return the ids.

    What was proposed before, and is neither begun nor wanted any more, is withdrawn.

    Args:
        plan: the snapshot of `sleep_plans`.
        window: what was measured last; from a window of the past nothing is proposed.
    """
    chosen, rules = services(), energy_goals_rules()
    now = chosen.network_clock.now()
    rows = _newest(window)
    wanted = _wanted(plan, rows, now)
    lives = lives_of(chosen.ledger.entries())
    _withdraw([one.proposal.proposal_id for one in no_longer_wanted(wanted or {}, lives)], now)
    if wanted is None or abs(now - window.end) > timedelta(minutes=rules.timely_minutes):
        _LOG.info("Nothing is put to sleep by what was measured until %s at %s.", window.end, now)
        return []
    if not wanted:
        return []
    lives, functions = lives_of(chosen.ledger.entries()), _functions(wanted)
    for sentence in left_out(wanted, functions):
        _LOG.warning("%s", sentence)
    made = proposals(
        wanted,
        functions,
        lives,
        plan_told(rows, chosen.tables.snapshot(_FORECASTS), rules),
        now,
        energy_planning_rules().least_asleep_hours,
        rules,
    )
    made = within_entering(made, lives, now, _cells_count(), guardrail_rules())
    for proposal in made:
        _on_record(proposal, now)
    show_table(
        "sleep-proposed", [proposal_row(one) for one in made], f"{len(made)} sites to save energy"
    )
    return [one.proposal_id for one in made]


def _planned(forecast: Snapshot, text: str, window: Window) -> tuple[PlanningDesk, PlanFacts]:
    """Let an agent read a goal and have plans solved for it.

    Raises:
        GoalError: the goal is unclear, contradicts itself, or asks for what is barred.
        InputError: no load was forecast at the window's end.
    """
    rules, chosen = energy_goals_rules(), services()
    told = _forecast(forecast, window)
    made_at = told.starts[0]
    desk = PlanningDesk(_ground(forecast, told, made_at))
    assignment = Assignment(
        agent=AGENT,
        identity=ENERGY_AGENT,
        use_case=USE_CASE,
        run_id=f"energy-{made_at:%Y%m%dT%H%M}-{digest_of(text)[:10]}",
        seed=int(digest_of([text, made_at.isoformat()])[:8], 16),
        arguments={"text": text, "promises": [one.name for one in rules.promises]},
    )
    engines = Engines(
        chosen.chat, chosen.transcripts, chosen.spans, energy_tools(desk), chosen.clock
    )
    decision = run_agent(engines, assignment, plan_energy)
    if decision["goal"] is None:
        raise GoalError(f"The goal is not planned for. {' '.join(decision['problems'])}")
    return desk, _facts(desk, told, text, decision, assignment.run_id)


def _forecast(forecast: Snapshot, window: Window) -> LoadForecast:
    """Return the newest forecast made at the window's end or in the quarter around it.

    Raises:
        InputError: there is none.
    """
    around = Window(window.end - _QUARTER, window.end + _QUARTER)
    rows = services().tables.read(_FORECASTS, around, snapshot_id=forecast.id or None).collect()
    if rows.is_empty():
        raise InputError(
            f"No load was forecast around {window.end:%Y-%m-%d %H:%M} UTC; forecast-load does it."
        )
    return forecast_of(rows.filter(pl.col("made_at") == pl.col("made_at").max()))


def _ground(forecast: Snapshot, told: LoadForecast, made_at: datetime) -> Ground:
    tables, rules, planning = services().tables, energy_goals_rules(), energy_planning_rules()
    protected = _protected()
    topology = tables.read("network_topology").filter(pl.col("valid_from") <= made_at)
    newest = topology.sort("valid_from").unique("cell_dn", keep="last").collect()
    network = published_network(tables.read, made_at, planning, guardrail_rules())
    waking = energy_waking_rules()
    badly = carrying_badly(tables.read, made_at, waking.troubling_categories)
    network = network.carrying_without(badly)
    places = places_of(newest, protected, rules)
    prices = hourly_prices(told.starts, told.hours, energy_accounting_rules())
    lives = lives_of(services().ledger.entries())
    functions = _functions(network.cell_dns)
    course = mode_course(
        network.cell_dns,
        standing_modes(functions),
        lives,
        made_at,
        waking.hold_hours,
    )
    watch = DemandWatch(network, lives, rules.prepared_quantile, planning)
    misses = demand_missed(tables.read, _told_since(made_at), watch, told)
    _LOG.info("%s: %s", made_at.isoformat(), missed_says(misses, network.cell_dns))
    names = [one.name for one in rules.promises]
    maker = ProblemMaker(
        network, told, places, protected, prices, course,
        _troubled(network.cell_dns, made_at) | cannot_save(network.cell_dns, functions).keys(),
        planning, rules, misses,
        plans_before(tables.read, network.cell_dns, made_at, names, planning.before_hours),
    )  # fmt: skip
    floor = least_floor_mbps(rules, service_catalogue())
    read = [forecast, *(tables.snapshot(name) for name in _INPUTS)]
    return Ground(
        places=places,
        rules=rules,
        promises_of=lambda goal: promised(goal, floor, planning, rules),
        problem_of=maker.problem,
        solve=maker.plan,
        prices=prices,
        site_ids=network.site_ids,
        sources=tuple(f"{one.table}@{one.id}" for one in read),
    )


def _told_since(quarter_end: datetime) -> tuple[CellReport, ...]:
    """Return what cells told since; nothing for a plan of the past, or where no feed answers."""
    chosen, now = services(), services().network_clock.now()
    late = now - quarter_end
    if not timedelta() < late <= timedelta(minutes=energy_goals_rules().timely_minutes):
        return ()
    try:
        told = chosen.load_feed.reports(Window(quarter_end, now))
    except TransientError as error:
        _LOG.warning("Demand since %s is not known by the minute: %s", quarter_end, error)
        return ()
    return told.reports


def _facts(
    desk: PlanningDesk, told: LoadForecast, text: str, decision: dict[str, Any], run: str
) -> PlanFacts:
    return PlanFacts(
        made_at=told.starts[0],
        starts=told.starts,
        site_ids=desk.ground.site_ids,
        prices=desk.ground.prices,
        goal=text,
        decision=decision,
        run_id=run,
    )


def _published(desk: PlanningDesk, facts: PlanFacts, forecast: Snapshot) -> Snapshot:
    """Publish the plan that was taken, those beside it, and the page about both."""
    chosen = services()
    plan = desk.plans[facts.decision["promise"]]
    rows = _rows(desk, facts)
    window = Window(facts.made_at, facts.made_at + _QUARTER)
    inputs = [forecast, *(chosen.tables.snapshot(name) for name in _INPUTS)]
    compared = derive_compared(compared_rows(plan, facts))
    chosen.door.publish(_COMPARED, window, compared, inputs, run_id())
    published = chosen.door.publish(_PLANS, window, rows, inputs, run_id())
    story = plan_story(desk, facts, rows)
    write_report(chosen.settings.root, facts.made_at, plan_page(story), plan_markdown(story))
    show_markdown("energy-plan", plan_markdown(story), "What is saved, and what users feel of it")
    _LOG.info(
        "%s: %s of %d plans, %.1f kWh saved, %d cells save at some time.",
        facts.made_at.isoformat(), facts.decision["promise"], len(desk.plans),
        desk.told[facts.decision["promise"]].saved_kwh, rows["cell_dn"].n_unique(),
    )  # fmt: skip
    return published


def _rows(desk: PlanningDesk, facts: PlanFacts) -> pl.DataFrame:
    """Return the rows of `sleep_plans` of the plan that was taken."""
    promise = facts.decision["promise"]
    return derive(plan_rows(desk.problem(promise), desk.plans[promise], facts))


def _standing_goal(window: Window) -> str:
    """Return the goal of the last day's newest plan, or the rules' own where there is none."""
    day = Window(window.end - timedelta(days=1), window.end + _QUARTER)
    rows = newest_plan(services().tables.read(_COMPARED, day).collect())
    return str(rows["goal"][0]) if rows.height else energy_goals_rules().standing_goal


def _wanted(plan: Snapshot, compared: pl.DataFrame, now: datetime) -> dict[str, Wanted] | None:
    """Return what a plan wants now; None where none was made of late or its time is over.

    Args:
        plan: the snapshot of `sleep_plans`.
        compared: the newest plan's rows of `sleep_plans.compared`.
        now: time of the network.
    """
    if compared.is_empty():
        return None
    made_at = compared["made_at"][0]
    window = Window(made_at, made_at + _QUARTER)
    return wanted_at(
        services().tables.read(_PLANS, window, snapshot_id=plan.id or None).collect(), now
    )


def _newest(window: Window) -> pl.DataFrame:
    """Return rows of `sleep_plans.compared`: of the plan made last, unless that is long ago."""
    early = timedelta(minutes=energy_goals_rules().timely_minutes)
    lately = Window(window.end - early, window.end + _QUARTER)
    return newest_plan(services().tables.read(_COMPARED, lately).collect())


def _cells_count() -> int:
    read = services().tables.read("network_topology", columns=["cell_dn"])
    return int(read.select(pl.col("cell_dn").n_unique()).collect().item())


def _functions(cells: Iterable[str]) -> dict[str, ManagedObject]:
    """Return the saving functions of a network by cell, as it tells them now."""
    roots, read = sorted({network_root(dn) for dn in cells}), services().gateway.read_below
    return saving_functions([one for root in roots for one in read(root, SAVING_FUNCTION)])


def _on_record(proposal: ChangeProposal, now: datetime) -> None:
    services().ledger.append(proposed_entry(proposal, now))


def _withdraw(proposal_ids: list[str], now: datetime) -> None:
    ledger = services().ledger
    for proposal_id in proposal_ids:
        with ledger.alone(proposal_id):
            lives = lives_of(ledger.entries(proposal_id))
            if lives and lives[0].stage in ("PROPOSED", "WAITING", "APPROVED"):
                ledger.append(withdrawn_entry(proposal_id, now))


def _troubled(cells: Sequence[str], at: datetime) -> frozenset[str]:
    """Return the cells at which guards would refuse to save: all, where findings are too old."""
    tables, rules = services().tables, guardrail_rules()
    lately = Window(at - timedelta(days=_TROUBLE_DAYS), at)
    findings = tables.read("cell_anomalies", lately, columns=list(FINDINGS)).collect()
    alarms = tables.read("alarms", lately, columns=list(ALARMS)).collect()
    told = troubled_cells(findings, alarms, cells, at, rules)
    return frozenset(cells if told is None else told)


def _protected() -> ProtectedPlaces:
    """Return the operator's own protected places, or the packaged ones."""
    own = services().settings.root / _OWN_PLACES
    return load_protected_places(own) if own.is_file() else protected_places()
