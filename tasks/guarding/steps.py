"""Steps of guarding: proposals judged and put on record, levels of autonomy, freezes by hand."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property

import polars as pl

from semantic_layer.autonomy import autonomy_rules
from semantic_layer.errors import InputError
from semantic_layer.guardrails import GuardrailRules, guardrail_rules
from semantic_layer.identity import network_root
from semantic_layer.periods import Window
from semantic_layer.protected import ProtectedPlaces, load_protected_places, protected_places
from tasks.guarding.network_facts import (
    CHANGES,
    TOPOLOGY,
    cell_facts,
    cell_loads,
    load_columns,
    open_changes,
    silent_since,
)
from tasks.guarding.object_facts import (
    CARRIER_REFERENCE,
    CONFIGURATION,
    TILTS,
    carrier_cells,
    cell_tilts,
    cells_of_object,
    object_facts,
    standing_values,
)
from tasks.guarding.predictions import live_tilts, predictions
from tasks.guarding.records import frozen_because, lives_on_record, verdict_row
from tasks.guarding.sleep_facts import asleep_cells, sleeper
from tasks.guarding.sleep_questions import SleepQuestions
from tasks.guardrails.asleep import OPEN
from tasks.guardrails.autonomy import Autonomy, autonomy_of, change_by_hand
from tasks.guardrails.change_forms import SAVING_FUNCTION, is_saving, is_writable
from tasks.guardrails.circumstances import Circumstances, ObjectFacts, OpenChange, Prediction
from tasks.guardrails.floors import changes_radio
from tasks.guardrails.judging import Judgment, judgment, may_pass_later
from tasks.guardrails.trouble import ALARMS, FINDINGS, troubled_cells
from tasks.messages.ledger import EntryDraft, LedgerEntry
from tasks.messages.proposal_life import ENDED, ProposalLife, proposal_life
from tasks.messages.proposals import ChangeProposal, GuardVerdict
from tasks.step import show_table, step
from tasks.twin.what_if import CellChange, PublishedMap, WhatIf, published_map, what_if
from tasks.twin.what_if_facts import present_loads
from tasks.twin.what_if_layout import COLUMNS as INVENTORY
from tasks.twin.what_if_layout import published_cells
from tasks.twin.what_if_sleep import map_with_sleepers
from tasks.wiring import services

_LOG = logging.getLogger(__name__)
_GUARD, _POLICY, _NETWORK = "guardrails", "policy:autonomy", "network"
_OWN_PLACES = "protected.yaml"
_OF_NO_ACCOUNT = frozenset({"PROPOSED", "REFUSED", "REJECTED", "EXPIRED", "WITHDRAWN"})


@step
def judge_proposals(proposal_ids: Sequence[str]) -> list[str]:
    """Judge these proposals, and all others on record that no verdict stands for yet.

    What breaks only rules whose breach passes by itself (a busy hour, a change nearby) is not put
    on record: it is judged again by the next call, until it is too old.

    Returns:
        Ids of the proposals that are allowed: those allowed now, and those given that were before.

    Raises:
        InputError: an id is no proposal's.
        TransientError: the network did not answer.
    """
    ledger = services().ledger
    rules = guardrail_rules()
    with ledger.alone(_GUARD):
        entries = ledger.entries()
        lives = lives_on_record(entries)
        unknown = sorted(set(proposal_ids) - lives.keys())
        if unknown:
            raise InputError(f"No proposal {', '.join(map(repr, unknown))} is on record.")
        fresh = [life.proposal for life in lives.values() if life.stage == "PROPOSED"]
        if fresh:
            facts = _circumstances(fresh, lives, entries, rules)
            told = judgment(fresh, facts, rules, autonomy_rules())
            _record(told, fresh, facts, rules)
        lives = lives_on_record(ledger.entries())
    wanted = {*proposal_ids, *(one.proposal_id for one in fresh)}
    return sorted(key for key in wanted if _is_allowed(lives[key]))


@step
def adjust_autonomy() -> list[str]:
    """Lower and raise levels of autonomy by what is on record; return a sentence for each change.

    A fall is put on record for each bad outcome once, a rise once for the evidence that earned it.
    """
    ledger, at = services().ledger, services().network_clock.now()
    said = []
    for own in autonomy_rules().use_cases:
        with ledger.alone(own.use_case):
            now = autonomy_of(own.use_case, ledger.entries(), at, autonomy_rules())
            for change in now.due:
                ledger.append(change.draft(_POLICY, at))
                said.append(
                    f"{change.use_case}: L{change.from_level} to L{change.to_level}. "
                    f"{change.reason}"
                )
    for sentence in said:
        _LOG.info(sentence)
    return said


@step
def set_autonomy(use_case: str, level: int, person: str, reason: str) -> str:
    """Set a use case's level by hand, and return a sentence.

    Whether the person may is for the caller to find out.

    Raises:
        InputError: there is no reason, no such use case or level, or it must be earned.
    """
    ledger, at = services().ledger, services().network_clock.now()
    with ledger.alone(use_case):
        entries = ledger.entries()
        now = autonomy_of(use_case, entries, at, autonomy_rules())
        number = entries[-1].number if entries else 0
        change = change_by_hand(now, level, reason, autonomy_rules(), number)
        for due in now.due:
            if due.to_level <= due.from_level:
                ledger.append(due.draft(_POLICY, at))
        ledger.append(change.draft(person, at))
    return f"{use_case} was set from L{change.from_level} to L{level} by {person}."


@step
def set_freeze(person: str, reason: str, *, is_frozen: bool) -> str:
    """Freeze the network, so that nothing is changed, or thaw it; return a sentence.

    Raises:
        InputError: there is no reason.
    """
    if not reason.strip():
        raise InputError("A network is frozen or thawed with a reason; say why, with --reason.")
    ledger, at = services().ledger, services().network_clock.now()
    word = "frozen" if is_frozen else "thawed"
    with ledger.alone(_NETWORK):
        standing = frozen_because(ledger.entries(_NETWORK))
        if (standing is not None) == is_frozen:
            return f"The network is {word} already."
        ledger.append(
            EntryDraft(
                "frozen" if is_frozen else "thawed", _NETWORK, person, at, {"reason": reason}
            )
        )
    return f"The network was {word} by {person}."


@step
def autonomy_table() -> list[dict[str, str]]:
    """Return where each use case stands, a row of texts each, and show it on the run's page."""
    at, entries = services().network_clock.now(), services().ledger.entries()
    rows = [
        _autonomy_row(autonomy_of(own.use_case, entries, at, autonomy_rules()))
        for own in autonomy_rules().use_cases
    ]
    show_table("autonomy", rows, "Levels of autonomy by use case")
    return rows


def _autonomy_row(now: Autonomy) -> dict[str, str]:
    told = autonomy_rules().level(now.level)
    return {
        "use case": now.use_case,
        "level": f"L{now.level} {told.name if told is not None else ''}".strip(),
        "since": "" if now.changed_at is None else f"{now.changed_at:%Y-%m-%d %H:%M}Z",
        "good outcomes": f"{now.good} of {now.outcomes}",
        "proven share": f"{now.lower_bound:.2f}",
        "to rise": now.lacking,
    }


def _is_allowed(life: ProposalLife) -> bool:
    return life.verdict is not None and life.verdict.is_allowed and life.stage not in ENDED


def _record(
    told: Judgment,
    fresh: Sequence[ChangeProposal],
    facts: Circumstances,
    rules: GuardrailRules,
) -> None:
    """Put verdicts on record, after what yields to them was withdrawn."""
    rows = []
    for proposal, verdict in zip(fresh, told.verdicts, strict=True):
        waits = may_pass_later(verdict, proposal, facts, rules)
        if not waits and not _have_yielded(told, proposal.proposal_id, facts.at):
            waits = True
        rows.append(verdict_row(proposal, verdict, is_waiting=waits))
        if not waits:
            services().ledger.append(_judged(verdict, facts.at))
    show_table("guard-verdicts", rows, f"{len(rows)} proposals judged")


def _judged(verdict: GuardVerdict, at: datetime) -> EntryDraft:
    key = f"judged:{verdict.proposal_id}:{verdict.change_digest}"
    payload = {"verdict": verdict.to_json()}
    return EntryDraft("judged", verdict.proposal_id, _GUARD, at, payload, key)


def _have_yielded(told: Judgment, winner: str, at: datetime) -> bool:
    """Withdraw what yields to a proposal; False where one of it was approved meanwhile."""
    ledger = services().ledger
    for life in told.yielding.get(winner, ()):
        key = life.proposal.proposal_id
        with ledger.alone(key):
            stage = proposal_life(ledger.entries(key)).stage
            if stage == "WAITING":
                reason = f"It yields to proposal {winner}, which prevails on the same cells."
                payload = {"reason": reason}
                ledger.append(EntryDraft("withdrawn", key, _GUARD, at, payload, f"withdrawn:{key}"))
            elif stage not in ENDED:
                return False
    return True


def _circumstances(
    fresh: Sequence[ChangeProposal],
    lives: Mapping[str, ProposalLife],
    entries: Sequence[LedgerEntry],
    rules: GuardrailRules,
) -> Circumstances:
    """Return every fact that the judgment needs; what no product holds stays unknown."""
    engines = services()
    at = engines.network_clock.now()
    others = [life for life in lives.values() if life.stage not in _OF_NO_ACCOUNT]
    standing = _standing("network_configuration", at, [CARRIER_REFERENCE, *TILTS])
    carriers = carrier_cells(standing)
    dns = {dn for one in fresh if is_writable(one) for dn in one.change_set.dns}
    seen = dns | {dn for life in others for dn in life.proposal.change_set.dns}
    planned = _standing("network_configuration.planned", at, None, dns)
    # A name that leads to no known cell is never put to the network.
    known = sorted(dn for dn in dns if cells_of_object(dn, carriers))
    objects = object_facts(seen, engines.gateway.read(known), planned, carriers)
    levels = {
        own.use_case: autonomy_of(own.use_case, entries, at, autonomy_rules()).level
        for own in autonomy_rules().use_cases
    }
    tilts = cell_tilts(standing, carriers)
    cells = cell_facts(_read("network_topology", TOPOLOGY), rules)
    does_save = [one for one in (*fresh, *(life.proposal for life in others)) if _saves(one)]
    asleep = _asleep(cells) if does_save else {}
    twin = _Twin(at, {**tilts, **live_tilts([one for one in fresh if is_writable(one)], objects)})
    return Circumstances(
        at=at,
        cells=cells,
        objects=objects,
        open_changes=_open_changes(rules),
        lives=tuple(others),
        predictions=_predictions(fresh, objects, twin, asleep),
        levels=levels,
        protected=_protected(),
        frozen=frozen_because(entries),
        asleep=asleep,
        troubled=_troubled(sorted(cells), at, rules) if does_save else None,
        sleep_what_if=_sleep_questions(others, objects, twin, asleep) if does_save else None,
    )


def _saves(proposal: ChangeProposal) -> bool:
    return is_writable(proposal) and is_saving(proposal.change_set)


def _asleep(cells: Iterable[str]) -> dict[str, str] | None:
    """Return the mode of each cell that saves energy; None where the network does not tell."""
    gateway = services().gateway
    roots = sorted({network_root(dn) for dn in cells})
    try:
        told = [one for root in roots for one in gateway.read_below(root, SAVING_FUNCTION)]
    except InputError as error:
        _LOG.warning("Nobody knows which cells sleep: %s", error)
        return None
    return asleep_cells(told)


def _troubled(cells: Sequence[str], at: datetime, rules: GuardrailRules) -> dict[str, str] | None:
    tables = services().tables
    if tables.bounds("alarms") is None or tables.bounds("cell_anomalies") is None:
        return None
    return troubled_cells(
        _read("cell_anomalies", FINDINGS), _read("alarms", ALARMS), cells, at, rules
    )


class _Twin:
    """What the twin is asked with; its map is made only where something asks."""

    def __init__(self, at: datetime, tilts: Mapping[str, float]) -> None:
        self.at, self._tilts = at, tilts

    @cached_property
    def awake(self) -> PublishedMap:
        """The ground with every cell awake."""
        cells = published_cells(_read("network_topology", INVENTORY), self._tilts)
        return published_map(cells, guardrail_rules().coverage_dbm)

    @cached_property
    def kpis(self) -> pl.DataFrame:
        """Loads that were told lately."""
        span = Window(self.at - timedelta(hours=guardrail_rules().stale_load_hours), self.at)
        rows = services().tables.read("cell_kpis", span, columns=load_columns())
        return rows.collect()


def _predictions(
    fresh: Sequence[ChangeProposal],
    objects: Mapping[str, ObjectFacts],
    twin: _Twin,
    asleep: Mapping[str, str] | None,
) -> dict[str, Prediction]:
    """Ask the twin about what changes radio, upon what sleeps."""
    asked = [one for one in fresh if is_writable(one) and changes_radio(one.change_set)]
    if not asked:
        return {}
    rules = guardrail_rules()
    sleepers = [sleeper(dn, mode, rules) for dn, mode in (asleep or {}).items()]
    off = {one.cell_dn for one in sleepers if one.is_off_air}
    loads = {dn: load for dn, load in cell_loads(twin.kpis).items() if dn not in off}
    silent = silent_since(loads, twin.at, rules)
    made: list[PublishedMap] = []

    def ask(changes: Sequence[CellChange]) -> WhatIf:
        if silent:
            raise InputError(silent)
        if not made:
            made.append(map_with_sleepers(twin.awake, sleepers))
        return what_if(made[0], loads, changes)

    return predictions(asked, objects, ask)


def _sleep_questions(
    others: Sequence[ProposalLife],
    objects: Mapping[str, ObjectFacts],
    twin: _Twin,
    asleep: Mapping[str, str] | None,
) -> SleepQuestions:
    rules = guardrail_rules()
    soon = [life.proposal for life in others if _saves(life.proposal) and life.stage in OPEN]
    since = twin.at - timedelta(minutes=rules.saving_load_minutes)
    loads = present_loads(twin.kpis, since)
    return SleepQuestions(lambda: twin.awake, loads, asleep or {}, soon, objects, rules)


def _open_changes(rules: GuardrailRules) -> tuple[OpenChange, ...] | None:
    if services().tables.bounds("change_history") is None:
        return None
    return open_changes(_read("change_history", CHANGES), rules)


def _protected() -> ProtectedPlaces:
    """Return the places to spare: the operator's own file, or the packaged one."""
    own = services().settings.root / _OWN_PLACES
    return load_protected_places(own) if own.is_file() else protected_places()


def _read(table: str, columns: Sequence[str]) -> pl.DataFrame:
    return services().tables.read(table, columns=list(columns)).collect()


def _standing(
    table: str, at: datetime, attributes: list[str] | None, dns: set[str] | None = None
) -> pl.DataFrame:
    """Return the values of configuration that stand at a moment, of some attributes or objects."""
    rows = services().tables.read(table, columns=list(CONFIGURATION))
    if attributes is not None:
        rows = rows.filter(pl.col("attribute").is_in(attributes))
    if dns is not None:
        rows = rows.filter(pl.col("managed_object_dn").is_in(sorted(dns)))
    return standing_values(rows.collect(), at)
