"""Tools of the network: who stands near a cell and how they do, and how a cell is configured."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import polars as pl

from semantic_layer.errors import InputError, TransientError
from semantic_layer.evidence import evidence_rules
from semantic_layer.identity import parse_dn
from semantic_layer.periods import Window
from tasks.agents.toolbox.arguments import OfCell, OfCellAndTime, OfCellConfiguration, span
from tasks.agents.toolbox.sources import ToolSources, failed
from tasks.agents.toolbox.surroundings import places
from tasks.agents.toolbox.usual import AVAILABILITY, USERS, moved
from tasks.agents.toolbox.values import told_row
from tasks.agents.tools import ToolResult
from tasks.messages.canonical import JsonValue, canonical_json
from tasks.messages.change_sets import ManagedObject

SCORES = "cell_anomalies.scores"
PLANNED, DRIFT = "network_configuration.planned", "network_configuration.drift"
_SCORE = ("cell_dn", "period_start", "score", "is_anomalous")
_PLAN = ("managed_object_dn", "attribute", "valid_from", "object_class", "value", "is_removed", "source")  # fmt: skip  # noqa: E501
_DRIFT = (
    "managed_object_dn", "attribute", "kind", "detected_at", "ended_at", "object_class",
    "planned_value", "actual_value", "change_id",
)  # fmt: skip
_ALWAYS = frozenset(
    {
        "administrativeState", "digitalTilt", "retTilt", "configuredMaxTxPower", "nRPCI",
        "maximumTransmissionPower", "pci", "swVersion",
    }
)  # fmt: skip
"""Attributes that are told even where nothing differs."""
_PARTS = {"NRCellDU": ("NRSectorCarrier", "NRCellCU", "NRCellDU")}


def read_neighbors(sources: ToolSources, asked: OfCell) -> ToolResult:
    """Return what stands near a cell: its sector, its site, its neighbors, its way to the core."""
    around = places(sources)
    own = around.cell(asked.cell_dn)
    rows = [
        told_row(dn=dn, relation=relation, site=around.cells[dn].site, band=around.cells[dn].band)
        for dn, relation in around.company(asked.cell_dn)
    ]
    rows += [
        told_row(dn=dn, relation="upstream", site=None, band=None)
        for dn in sorted(around.upstream.get(own.site, ()))
    ]
    return ToolResult(
        tuple(rows),
        f"{len(rows)} cells and objects stand near {asked.cell_dn}, site {own.site}.",
        (f"network_topology#{asked.cell_dn}",),
    )


def compare_with_neighbors(sources: ToolSources, asked: OfCellAndTime) -> ToolResult:
    """Return how cells near one did in the same time: periods astray, peak score, first astray.

    `users_deviation` and `availability_deviation` are distances from the same hours of earlier
    days, as in `compare_with_usual`; null where nothing was reported.
    """
    begin, end = span(asked.since, asked.until, (sources.window.start, sources.window.end))
    near = [(asked.cell_dn, "same_cell"), *places(sources).company(asked.cell_dn)]
    strayed = moved(sources, (*USERS, *AVAILABILITY), (begin, end))
    judged = _judged(sources, [dn for dn, _ in near], (begin, end))
    rows = [
        told_row(
            cell_dn=dn,
            relation=relation,
            **judged[dn],
            users_deviation=_first(dn, USERS, strayed),
            availability_deviation=_first(dn, AVAILABILITY, strayed),
        )
        for dn, relation in near
        if dn in judged
    ]
    return ToolResult(
        tuple(rows),
        f"{len(rows)} cells beside {asked.cell_dn} in the same time, its own row first.",
        (f"{SCORES}@{sources.window}", *_each(rows, "cell_dn")),
    )


def read_configuration(sources: ToolSources, asked: OfCellConfiguration) -> ToolResult:
    """Return how a cell is configured: planned, live where the network is reached, and drifted.

    Told are the attributes that matter most, and every one that is not as planned.
    """
    planned = sources.derived("planned by element", lambda: _planned(sources))
    element = places(sources).cell(asked.cell_dn).element_dn
    own = {
        key: row
        for key, row in planned.get(element, {}).items()
        if is_of_cell(key[0], asked.cell_dn)
    }
    dns = [dn for dn, _ in own]
    live = _live(sources, element, asked.cell_dn, dns) if asked.is_live else None
    drift = _drift(sources, asked.cell_dn)
    keys = sorted({*own, *drift, *_differing(own, live)})
    rows = [
        _configured(key, own.get(key), live, drift.get(key))
        for key in keys
        if key in drift or key[1] in _ALWAYS or _differs(own.get(key), live, key)
    ]
    rows.sort(key=lambda row: (row["is_as_planned"] is not False, str(row["managed_object_dn"])))
    off = sum(row["is_as_planned"] is False for row in rows)
    reached = "live values beside the plan" if live is not None else "planned values; no live ones"
    return ToolResult(
        tuple(rows),
        f"{len(rows)} attributes of {asked.cell_dn}, {off} not as planned; {reached}.",
        (f"{PLANNED}#{element}", f"{DRIFT}#{asked.cell_dn}", *_each(rows, "managed_object_dn")),
    )


def is_of_cell(dn: str, cell_dn: str) -> bool:
    """Tell whether an object is the cell, below it, or its other half or carrier.

    >>> is_of_cell("ManagedElement=1,GNBDUFunction=1,NRSectorCarrier=2,CommonBeamformingFunction=1",
    ...     "ManagedElement=1,GNBDUFunction=1,NRCellDU=2")
    True
    """
    if dn == cell_dn or dn.startswith(f"{cell_dn},"):
        return True
    *above, own = parse_dn(cell_dn)
    parts = _PARTS.get(own.object_class, ())
    steps = parse_dn(dn)
    at = len(above)
    return (
        len(steps) > at
        and steps[: at - 1] == tuple(above[:-1])
        and steps[at].object_class in parts
        and steps[at].value == own.value
    )


def _each(rows: Sequence[Mapping[str, JsonValue]], name: str) -> list[str]:
    """Return the values of a column once each: what can be cited."""
    return list(dict.fromkeys(str(row[name]) for row in rows))


def _judged(
    sources: ToolSources, cells: Sequence[str], time: tuple[datetime, datetime]
) -> dict[str, dict[str, object]]:
    """Return how each cell was judged in a time; those without a row in the window left out."""
    scores = sources.rows(SCORES, sources.window, _SCORE).filter(pl.col("cell_dn").is_in(cells))
    is_judged = pl.col("score").is_not_null() & pl.col("period_start").is_between(
        *time, closed="left"
    )
    is_astray = is_judged & pl.col("is_anomalous")
    told = scores.group_by("cell_dn").agg(
        is_judged.sum().alias("judged_periods"),
        is_astray.sum().alias("astray_periods"),
        pl.col("score").filter(is_judged).max().alias("peak_score"),
        pl.col("period_start").filter(is_astray).min().alias("first_astray_at"),
    )
    return {row.pop("cell_dn"): row for row in told.to_dicts()}


def _first(
    dn: str, kpis: tuple[str, ...], strayed: Mapping[str, Mapping[str, float]]
) -> float | None:
    known = [strayed[kpi][dn] for kpi in kpis if dn in strayed[kpi]]
    return round(known[0], 2) if known else None


Key = tuple[str, str]


def _planned(sources: ToolSources) -> dict[str, dict[Key, Mapping[str, JsonValue]]]:
    """Return the newest planned values by managed element, then by object and attribute."""
    rows = sources.rows(PLANNED, None, _PLAN, pl.col("valid_from") < sources.window.end)
    last = (
        rows.sort("valid_from", "source")
        .unique(["managed_object_dn", "attribute"], keep="last", maintain_order=True)
        .filter(~pl.col("is_removed").fill_null(value=False))
    )
    found: dict[str, dict[Key, Mapping[str, JsonValue]]] = {}
    pattern = r"^((?:.*,)?ManagedElement=[^,]+)"
    for row in last.with_columns(
        element=pl.col("managed_object_dn").str.extract(pattern)
    ).iter_rows(named=True):
        of_element = found.setdefault(row["element"] or "", {})
        of_element[(row["managed_object_dn"], row["attribute"])] = row
    return found


def _live(
    sources: ToolSources, element: str, cell_dn: str, planned: list[str]
) -> Mapping[str, ManagedObject] | None:
    """Return the live objects of a cell by DN; None where the network is not reached."""
    network = sources.network
    if network is None:
        return None
    try:
        found = dict(network.read(sorted(set(planned))))
        for object_class in ("NRCellRelation", "EUtranRelation"):
            for one in network.read_below(element, object_class):
                if is_of_cell(one.dn, cell_dn):
                    found[one.dn] = one
    except (TransientError, InputError) as error:
        raise failed(f"The live configuration of {cell_dn}", None, str(error)) from error
    return found


def _drift(sources: ToolSources, cell_dn: str) -> dict[Key, Mapping[str, JsonValue]]:
    rules = evidence_rules()
    dumped = Window(
        sources.window.start - timedelta(days=14),
        sources.window.end + timedelta(hours=rules.dump_hours),
    )
    rows = sources.rows(DRIFT, dumped, _DRIFT).filter(
        pl.col("ended_at").is_null() | (pl.col("ended_at") > sources.window.start)
    )
    return {
        (row["managed_object_dn"], row["attribute"]): row
        for row in rows.sort("detected_at").iter_rows(named=True)
        if is_of_cell(row["managed_object_dn"], cell_dn)
    }


def _differing(
    own: Mapping[Key, Mapping[str, JsonValue]], live: Mapping[str, ManagedObject] | None
) -> list[Key]:
    """Return objects that are live and not planned."""
    planned = {dn for dn, _ in own}
    return [(dn, "objectClass") for dn in live or {} if dn not in planned]


def _differs(
    row: Mapping[str, JsonValue] | None, live: Mapping[str, ManagedObject] | None, key: Key
) -> bool:
    if live is None:
        return False
    if row is None:
        return key[0] in live
    standing = live.get(key[0])
    if standing is None:
        return key[1] == "objectClass"
    seen = standing.attributes.get(key[1])
    return seen is not None and not _is_same(row["value"], seen)


def _configured(
    key: Key,
    row: Mapping[str, JsonValue] | None,
    live: Mapping[str, ManagedObject] | None,
    drift: Mapping[str, JsonValue] | None,
) -> dict[str, JsonValue]:
    standing = (live or {}).get(key[0])
    is_lacking = live is not None and standing is None
    value = standing.attributes.get(key[1]) if standing is not None else None
    return told_row(
        managed_object_dn=key[0],
        attribute=key[1],
        object_class=(row or drift or {}).get("object_class")
        or (standing.object_class if standing else None),
        planned_value=row["value"] if row else (drift or {}).get("planned_value"),
        live_value=_text(value),
        is_missing=is_lacking,
        is_as_planned=not (_differs(row, live, key) or (live is None and drift is not None)),
        drift_kind=drift["kind"] if drift else None,
        drift_detected_at=drift["detected_at"] if drift else None,
        drift_value=drift["actual_value"] if drift else None,
        change_id=drift["change_id"] if drift else None,
    )


def _is_same(planned: JsonValue, live: JsonValue) -> bool:
    one, other = _text(planned) or "", _text(live) or ""
    try:
        return float(one) == float(other)
    except ValueError:
        return one.replace(" ", "").casefold() == other.replace(" ", "").casefold()


def _text(value: JsonValue) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list | tuple | Mapping):
        return canonical_json(value)  # as plans write lists
    return str(value).lower() if isinstance(value, bool) else str(value)
