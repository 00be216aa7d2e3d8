"""Perception: what tools tell of a finding becomes signs with strengths."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from semantic_layer.causes import ExplainingRules, SignKind
from tasks.agents.session import AgentSession
from tasks.agents.tools import ToolFailedError, ToolResult
from tasks.explaining.company import facts_of_company
from tasks.explaining.observations import Facts, Seen, ramp
from tasks.messages.canonical import JsonValue

Row = Mapping[str, Any]

_CORE_SPREADS = 3.0
"""Core KPIs are told in standard deviations; half a band is so many wide."""
_RELATION_CLASSES = ("NRCellRelation", "EUtranRelation")


def perceived(session: AgentSession, anomaly_id: str, rules: ExplainingRules) -> Facts:
    """Return what the tools tell of a finding; a tool that fails leaves its signs unknown.

    Raises:
        ToolFailedError: the finding itself could not be read.
    """
    finding = session.call("read_finding", anomaly_id=anomaly_id).rows[0]
    cell, since, until = (
        str(finding["cell_dn"]), str(finding["anomaly_start"]), finding["anomaly_end"],
    )  # fmt: skip
    time: dict[str, JsonValue] = {"cell_dn": cell, "since": since}
    if until is not None:
        time["until"] = until
    asking = _Asking(session)
    kpis = asking.rows("compare_with_usual", **time)
    company = asking.rows("compare_with_neighbors", **time)
    alarms = asking.rows("read_alarms", **time)
    changes = asking.rows("read_changes", **time)
    core = asking.rows("read_core_kpis", **time)
    drift = asking.rows("read_configuration", cell_dn=cell)
    if drift is None:
        drift = asking.rows("read_configuration", cell_dn=cell, is_live=False)
    tickets = asking.rows("read_tickets", **time)
    seen = [
        *_kpis(kpis or ()),
        *_core(core or ()),
        *_alarms(alarms or (), rules),
        *_changes(changes or (), rules),
        *_drift(drift or (), since, rules),
        *facts_of_company(company or (), finding, kpis or (), rules),
    ]
    told: dict[SignKind, object] = {"alarm": alarms, "change": changes, "drift": drift}
    return Facts(
        finding,
        tuple(seen),
        frozenset(kind for kind, rows in told.items() if rows is not None),
        tuple(str(row["ticket_id"]) for row in tickets or () if _is_open(row, since)),
        tuple(asking.failures),
    )


class _Asking:
    """Calls tools; what fails is noted and tells nothing."""

    def __init__(self, session: AgentSession) -> None:
        self._session = session
        self.failures: list[str] = []

    def rows(self, tool: str, **arguments: JsonValue) -> Sequence[Row] | None:
        try:
            result: ToolResult = self._session.call(tool, **arguments)
        except ToolFailedError as error:
            self.failures.append(f"{tool}: {error}")
            return None
        return result.rows


def _kpis(rows: Sequence[Row]) -> Iterable[Seen]:
    for row in rows:
        says = f"{row['kpi']} {row['seen']}{_unit(row)} where {row['expected']} is usual"
        yield Seen("kpi", row["kpi"], "same_cell", float(row["deviation"]), says)


def _core(rows: Sequence[Row]) -> Iterable[Seen]:
    for row in rows:
        says = f"{row['kpi']} {row['seen']}{_unit(row)} where {row['usual']} is usual, {_at(row)}"
        far = float(row["deviation"]) / _CORE_SPREADS
        yield Seen("core_kpi", row["kpi"], row["relation"], far, says, row["managed_object_dn"])


def _alarms(rows: Sequence[Row], rules: ExplainingRules) -> Iterable[Seen]:
    for row in rows:
        lead = float(row["lead_hours"])
        strength = _alarm_strength(row, lead, rules)
        says = f"alarm {row['alarm']}, raised {_ago(lead)}, {_at(row)}"
        yield Seen("alarm", row["alarm"], row["relation"], strength, says, row["alarm_id"])


def _changes(rows: Sequence[Row], rules: ExplainingRules) -> Iterable[Seen]:
    for row in rows:
        lead = float(row["lead_hours"])
        if lead < 0:  # what follows is no cause
            continue
        strength = 1.0 if lead <= rules.prompt_hours else rules.stale_strength
        says = f"change of kind {row['change_type']}, begun {_ago(lead)}, {_at(row)}"
        yield Seen("change", row["change_type"], row["relation"], strength, says, row["change_id"])


def _drift(rows: Sequence[Row], since: str, rules: ExplainingRules) -> Iterable[Seen]:
    begun = datetime.fromisoformat(since)
    for row in rows:
        if row["is_as_planned"]:
            continue
        is_whole = row["attribute"] == "objectClass"
        if is_whole and not (row["is_missing"] or row["drift_kind"] == "missing_object"):
            continue
        name = row["object_class"] if is_whole else row["attribute"]
        strength = _drift_strength(row, begun, rules)
        value = row["live_value"] or row["drift_value"]
        says = (
            f"planned {name} is missing" if is_whole
            else f"{name} is {value} where {row['planned_value']} is planned"
        )  # fmt: skip
        yield Seen("drift", str(name), "same_cell", strength, says, row["managed_object_dn"])


def _drift_strength(row: Row, begun: datetime, rules: ExplainingRules) -> float:
    """Return 1 for what is live, or was detected lately; less for what stands for long."""
    detected = row["drift_detected_at"]
    if detected is None:
        return 1.0
    hours = abs((begun - datetime.fromisoformat(detected)).total_seconds()) / 3600
    return 1 - (1 - rules.stale_strength) * ramp(
        hours, rules.lasting_hours, 2 * rules.lasting_hours
    )


def _alarm_strength(row: Row, lead: float, rules: ExplainingRules) -> float:
    """Return 1 for an alarm raised with the finding, less for one that stood, or was over."""
    if lead < -rules.late_hours or _cleared_before(row, lead):
        return rules.stale_strength
    return 1.0 if lead <= rules.prompt_hours else rules.standing_strength


def _cleared_before(row: Row, lead: float) -> bool:
    if row["cleared_at"] is None:
        return False
    raised = datetime.fromisoformat(row["raised_at"])
    cleared = datetime.fromisoformat(row["cleared_at"])
    return (cleared - raised).total_seconds() / 3600 < lead


def _is_open(row: Row, since: str) -> bool:
    done = row["resolved_at"]
    return done is None or datetime.fromisoformat(done) >= datetime.fromisoformat(since)


def _unit(row: Row) -> str:
    return "" if str(row["unit"]) == "1" else f" {row['unit']}"


def _ago(lead: float) -> str:
    return f"{lead:.1f} h before" if lead >= 0 else f"{-lead:.1f} h after the start"


def _at(row: Row) -> str:
    where = {
        "same_cell": "at the cell",
        "same_site": "at the site",
        "upstream": "on the way to the core",
        "neighbor_site": "at a neighbor's site",
        "network": "of the network",
    }
    return where.get(str(row["relation"]), "near")
