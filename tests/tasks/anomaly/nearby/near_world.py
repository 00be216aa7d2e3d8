"""Three sites on one way to the core, findings there, and what happened around them."""

from datetime import UTC, datetime, timedelta

import polars as pl

from tasks.anomaly.nearby import surroundings as shapes
from tasks.anomaly.nearby.surroundings import Surroundings

START = datetime(2026, 3, 4, 8, tzinfo=UTC)
"""When the findings begin."""
DAY = datetime(2026, 3, 4, tzinfo=UTC)
STEP = timedelta(minutes=15)
ROUTER = "SubNetwork=transport,ManagedElement=R"
AMF = "SubNetwork=core,ManagedElement=C1,AMFFunction=1"
TABLES = frozenset({"alarms", "change_history", "network_configuration.drift"})


def element(site: int) -> str:
    return f"SubNetwork=1,ManagedElement={site}"


def cell(site: int, number: int = 1) -> str:
    return f"{element(site)},GNBDUFunction=1,NRCellDU={number}"


def cells(sites: int = 3, per_site: int = 3) -> pl.DataFrame:
    """Return sites 1, 2, ...; the first cells of following sites are neighbors, as are a site's."""
    rows = []
    for site in range(1, sites + 1):
        for number in range(1, per_site + 1):
            beside = [cell(site, other) for other in range(1, per_site + 1) if other != number]
            next_door = [cell(site + 1)] if number == 1 and site < sites else []
            rows.append((cell(site, number), f"S{site}", element(site), beside + next_door))
    return pl.DataFrame(rows, schema=shapes.CELLS, orient="row")


def transport(sites: int = 3) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return a router R<site> a site, R90 between all of them and the core router R99."""
    node = [(f"R{site}", "cell_site_router", f"S{site}") for site in range(1, sites + 1)]
    node += [("R90", "aggregation_router", None), ("R99", "core_router", None)]
    nodes = [("ip", name, kind, "ip", f"{ROUTER}{name[1:]}", site) for name, kind, site in node]
    nodes.append(("core", "amf", "AMFFunction", "core", AMF, None))
    link = [(f"R{site}", "R90") for site in range(1, sites + 1)] + [("R90", "R99")]
    links = [
        ("ip", f"{a}-{b}", "ip", a, b, f"{ROUTER}{a[1:]},Interface={b}",
         f"{ROUTER}{b[1:]},Interface={a}", 1.0, [])
        for a, b in link
    ]  # fmt: skip
    return (
        pl.DataFrame(nodes, schema=shapes.NODES, orient="row"),
        pl.DataFrame(links, schema=shapes.LINKS, orient="row"),
    )


def alarm(dn: str, lead: float = 1.0, **changes) -> dict:
    """Return an alarm raised `lead` hours before the findings, cleared an hour later."""
    raised = START - timedelta(hours=lead)
    return {
        "alarm_id": f"{dn}|{lead}", "managed_object_dn": dn, "raised_at": raised,
        "cleared_at": raised + timedelta(hours=1), "cell_dn": None,
        "alarm_name": "vswr_over_threshold", "perceived_severity": "MAJOR",
        "probable_cause": "", "specific_problem": "", "is_clear_without_raise": False,
    } | changes  # fmt: skip


def change(dns: list[str], lead: float = 1.0, **changes) -> dict:
    begun = START - timedelta(hours=lead)
    return {
        "change_id": f"CRQ{lead:g}", "title": "Software", "actual_start": begun,
        "actual_end": begun + timedelta(hours=2), "managed_object_dns": dns,
    } | changes  # fmt: skip


def drift(dn: str, lead: float = 1.0, **changes) -> dict:
    return {
        "managed_object_dn": dn, "attribute": "digitalTilt", "kind": "unplanned_change",
        "detected_at": START - timedelta(hours=lead), "planned_value": "42",
        "actual_value": "82", "change_id": None,
    } | changes  # fmt: skip


def around(alarms=(), changes=(), drifts=(), **others) -> Surroundings:
    nodes, links = transport()
    told = {"cells": cells(), "nodes": nodes, "links": links, "known_tables": TABLES}
    return Surroundings(
        alarms=pl.DataFrame(list(alarms), schema=shapes.ALARMS),
        changes=pl.DataFrame(list(changes), schema=shapes.CHANGES),
        drift=pl.DataFrame(list(drifts), schema=shapes.DRIFT),
        **(told | others),
    )


def finding(dn: str = "", hours: float = 2.0, start: datetime = START, **changes) -> dict:
    return {
        "anomaly_id": f"a-{dn or cell(1)}", "window_start": DAY,
        "window_end": DAY + timedelta(days=1), "cell_dn": dn or cell(1), "anomaly_start": start,
        "anomaly_end": start + timedelta(hours=hours),
    } | changes  # fmt: skip


def findings(*rows: dict) -> pl.DataFrame:
    time = pl.Datetime("us", "UTC")
    schema = {
        "anomaly_id": pl.String, "window_start": time, "window_end": time, "cell_dn": pl.String,
        "anomaly_start": time, "anomaly_end": time,
    }  # fmt: skip
    return pl.DataFrame(list(rows) or [finding()], schema=schema)


def scores(abnormal=(), silent=(), absent=(), begins: float = 6.0) -> pl.DataFrame:
    """Return a day of scores of all cells; abnormal ones stray for two hours from START."""
    rows = []
    for dn in cells()["cell_dn"]:
        if dn in absent:
            continue
        for number in range(96):
            at = DAY + STEP * number
            is_ill = dn in abnormal and START <= at < START + timedelta(hours=2)
            score = None if dn in silent else 9.0 if is_ill else 0.5
            rows.append((dn, at, score, bool(score and score >= begins)))
    schema = {
        "cell_dn": pl.String, "period_start": pl.Datetime("us", "UTC"), "score": pl.Float64,
        "is_anomalous": pl.Boolean,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")
