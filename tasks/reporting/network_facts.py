"""What else a run perceived, as a report needs it: alarms, changes, tickets, drift, core, users.

Facts only: rows as they were published, narrowed to the window and the columns that pages read.
"""

from dataclasses import dataclass, field

import polars as pl

from tasks.reporting.material import TIME, Schema, nothing

ARRIVALS: Schema = {
    "table_name": pl.String,
    "rows": pl.Int64,
    "newest": TIME,
    "is_delivered": pl.Boolean,
    "latency_s": pl.Float64,
}
ALARMS: Schema = {
    "alarm_id": pl.String,
    "raised_at": TIME,
    "cleared_at": TIME,
    "managed_object_dn": pl.String,
    "cell_dn": pl.String,
    "managed_element_dn": pl.String,
    "alarm_name": pl.String,
    "layer": pl.String,
    "perceived_severity": pl.String,
    "probable_cause": pl.String,
    "specific_problem": pl.String,
    "flaps_count": pl.Int64,
    "is_flapping": pl.Boolean,
    "is_clear_without_raise": pl.Boolean,
    "source": pl.String,
}
CHANGES: Schema = {
    "change_id": pl.String,
    "requested_at": TIME,
    "title": pl.String,
    "change_type": pl.String,
    "state": pl.String,
    "risk": pl.String,
    "planned_start": TIME,
    "planned_end": TIME,
    "actual_start": TIME,
    "actual_end": TIME,
    "managed_object_dns": pl.List(pl.String),
}
TICKETS: Schema = {
    "ticket_id": pl.String,
    "opened_at": TIME,
    "resolved_at": TIME,
    "closed_at": TIME,
    "state": pl.String,
    "severity": pl.String,
    "title": pl.String,
    "managed_object_dns": pl.List(pl.String),
}
DRIFT: Schema = {
    "detected_at": TIME,
    "ended_at": TIME,
    "managed_object_dn": pl.String,
    "attribute": pl.String,
    "kind": pl.String,
    "planned_value": pl.String,
    "actual_value": pl.String,
    "change_id": pl.String,
}
EVIDENCE: Schema = {
    "anomaly_id": pl.String,
    "window_start": TIME,
    "window_end": TIME,
    "evidence_kind": pl.String,
    "reference_id": pl.String,
    "object_dn": pl.String,
    "relation": pl.String,
    "happened_at": TIME,
    "lead_hours": pl.Float64,
    "detail": pl.String,
}
NODES: Schema = {
    "network_id": pl.String,
    "node_id": pl.String,
    "kind": pl.String,
    "layer": pl.String,
    "managed_object_dn": pl.String,
    "site_id": pl.String,
}
LINKS: Schema = {
    "network_id": pl.String,
    "link_id": pl.String,
    "layer": pl.String,
    "from_node_id": pl.String,
    "to_node_id": pl.String,
    "from_dn": pl.String,
    "to_dn": pl.String,
    "delay_ms": pl.Float64,
    "supported_by": pl.List(pl.String),
}
OUTSIDE: Schema = {
    "managed_object_dn": pl.String,
    "kpi": pl.String,
    "periods": pl.Int64,
    "periods_outside": pl.Int64,
    "periods_critical": pl.Int64,
    "worst": pl.Float64,
    "last_outside": TIME,
}
EXPERIENCE: Schema = {
    "cell_dn": pl.String,
    "service": pl.String,
    "sessions_count": pl.Float64,
    "told_sessions_count": pl.Float64,
    "satisfied_share": pl.Float64,
    "drop_share": pl.Float64,
    "groups": pl.Int64,
    "withheld_groups": pl.Int64,
}


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """What a window's run perceived beside measurements; empty frames where nothing came.

    Attributes:
        arrivals: per table: rows in the window, newest time, whether others deliver it.
        alarms: alarms that stood at any time from two days before the window to its end.
        changes: changes planned, executed or requested in that time.
        tickets: tickets that were open at any time in the window.
        drift: differences from plan and unplanned changes that stood in the window.
        nodes, links: the transport network as it was at the window's end.
        outside: KPIs of core and transport that left their thresholds, a row an object and KPI.
        watched_objects: objects of core and transport that were compared with thresholds.
        kpi_granularity: of the periods compared.
        experience: per cell and service: sessions, those told of, the share that satisfied.
        evidence: what stood near findings, as the newest window that saw each tells it.
        known_tables: tables of which anything was ever published.
    """

    arrivals: pl.DataFrame = field(default_factory=lambda: nothing(ARRIVALS))
    alarms: pl.DataFrame = field(default_factory=lambda: nothing(ALARMS))
    changes: pl.DataFrame = field(default_factory=lambda: nothing(CHANGES))
    tickets: pl.DataFrame = field(default_factory=lambda: nothing(TICKETS))
    drift: pl.DataFrame = field(default_factory=lambda: nothing(DRIFT))
    nodes: pl.DataFrame = field(default_factory=lambda: nothing(NODES))
    links: pl.DataFrame = field(default_factory=lambda: nothing(LINKS))
    outside: pl.DataFrame = field(default_factory=lambda: nothing(OUTSIDE))
    watched_objects: int = 0
    kpi_granularity: str = ""
    experience: pl.DataFrame = field(default_factory=lambda: nothing(EXPERIENCE))
    evidence: pl.DataFrame = field(default_factory=lambda: nothing(EVIDENCE))
    known_tables: frozenset[str] = frozenset()
