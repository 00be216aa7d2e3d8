"""What it costs to tell what stood near findings: 5,000 of them among 100,000 cells."""

import time
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from semantic_layer.detection import detection
from semantic_layer.evidence import evidence_rules
from tasks.anomaly.nearby.evidence import evidence
from tasks.anomaly.nearby.surroundings import ALARMS, CELLS, CHANGES, LINKS, NODES, Surroundings
from tasks.anomaly.onset import onsets

CELLS_A_SITE = 6
SITES_A_ROUTER = 40
START = datetime(2026, 3, 4, tzinfo=UTC)
PERIOD = timedelta(minutes=15)
_TABLES = frozenset({"alarms", "change_history"})


def main(cells: int = 100_000, findings: int = 5_000, alarms: int = 200_000) -> None:
    """Print CPU seconds of evidence and onsets for one day's window."""
    random = np.random.default_rng(7)
    around = surroundings_of(cells, alarms, random)
    found = findings_of(around.cells, findings, random)
    scores = scores_of(around.cells, found, random)
    for what, call in (
        ("evidence", lambda: evidence(found, scores, around, evidence_rules(), detection())),
        ("onsets", lambda: onsets(found, scores, evidence_rules())),
    ):
        started = time.process_time()
        rows = call().height
        seconds = time.process_time() - started
        print(
            f"bench evidence: {what} {seconds:.2f} CPU-s for {findings:,} findings among "
            f"{cells:,} cells and {alarms:,} alarms ({rows:,} rows)"
        )


def surroundings_of(cells: int, alarms: int, random: np.random.Generator) -> Surroundings:
    """Return a country: sites of six cells, routers in a tree, alarms of two days."""
    site = np.arange(cells) // CELLS_A_SITE
    sites = int(site.max()) + 1
    names = np.array([_cell(number) for number in range(cells)], object)
    steps = random.integers(-120, 120, (cells, 12))
    neighbors = names[np.clip(np.arange(cells)[:, None] + steps, 0, cells - 1)]
    frame = pl.DataFrame(
        {
            "cell_dn": names.tolist(),
            "site_id": [f"S{number}" for number in site],
            "managed_element_dn": [f"SubNetwork=1,ManagedElement={number}" for number in site],
            "neighbor_dns": neighbors.tolist(),
        },
        schema=CELLS,
    )
    nodes, links = _transport(sites)
    return Surroundings(
        cells=frame,
        alarms=_alarms(alarms, cells, sites, random),
        changes=_changes(2_000, sites, random),
        nodes=nodes,
        links=links,
        known_tables=_TABLES,
    )


def findings_of(cells: pl.DataFrame, count: int, random: np.random.Generator) -> pl.DataFrame:
    """Return findings of an hour to a day, two in three of them in groups of neighbors."""
    places = (random.integers(0, cells.height - 3, -(-count // 3))[:, None] + np.arange(3)).ravel()
    begin = np.repeat(random.integers(0, 80, -(-count // 3)), 3)[:count]
    length = random.integers(4, 96, count)
    starts = [START + PERIOD * int(number) for number in begin]
    ends = [
        min(start + PERIOD * int(number), START + timedelta(days=1))
        for start, number in zip(starts, length, strict=True)
    ]
    return pl.DataFrame(
        {
            "anomaly_id": [f"{number:016x}" for number in range(count)],
            "cell_dn": cells["cell_dn"].gather(places[:count]),
            "anomaly_start": starts,
            "anomaly_end": ends,
        }
    ).with_columns(
        window_start=pl.lit(START), window_end=pl.lit(START + timedelta(days=1))
    )  # fmt: skip


def scores_of(
    cells: pl.DataFrame, findings: pl.DataFrame, random: np.random.Generator
) -> pl.DataFrame:
    """Return a day of calm scores, high in findings; one cell in a hundred is silent."""
    periods = pl.Series([START + PERIOD * number for number in range(96)]).dt.cast_time_unit("us")
    value = random.normal(size=(cells.height, 96))
    value[random.random(cells.height) < 0.01] = np.nan
    rows = pl.DataFrame(
        {
            "cell_dn": cells["cell_dn"].gather(np.repeat(np.arange(cells.height), 96)),
            "period_start": periods.gather(np.tile(np.arange(96), cells.height)),
            "score": value.ravel(),
        }
    ).with_columns(pl.col("score").fill_nan(None))
    spans = findings.unique("cell_dn").select("cell_dn", "anomaly_start", "anomaly_end")
    inside = pl.col("period_start").is_between("anomaly_start", "anomaly_end", closed="left")
    return (
        rows.join(spans, on="cell_dn", how="left")
        .with_columns(score=pl.col("score") + pl.when(inside).then(9.0).otherwise(0.0))
        .select("cell_dn", "period_start", "score", is_anomalous=pl.col("score") >= 6)
    )


def _cell(number: int) -> str:
    site = number // CELLS_A_SITE
    return f"SubNetwork=1,ManagedElement={site},GNBDUFunction=1,NRCellDU={number % CELLS_A_SITE}"


def _transport(sites: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return a tree: a router a site, one for each forty of them, and one of the core."""
    groups = -(-sites // SITES_A_ROUTER)
    node = [(f"R{n}", "cell_site_router", f"S{n}") for n in range(sites)]
    node += [(f"A{n}", "aggregation_router", None) for n in range(groups)]
    node += [("C", "core_router", None)]
    link = [(f"R{n}", f"A{n // SITES_A_ROUTER}") for n in range(sites)]
    link += [(f"A{n}", "C") for n in range(groups)]
    element = "SubNetwork=transport,ManagedElement="
    nodes = pl.DataFrame(
        [("ip", name, kind, "ip", f"{element}{name}", site) for name, kind, site in node],
        schema=NODES,
        orient="row",
    )
    links = pl.DataFrame(
        [
            ("ip", f"{a}-{b}", "ip", a, b, f"{element}{a},Interface=1", f"{element}{b}", 1.0, [])
            for a, b in link
        ],
        schema=LINKS,
        orient="row",
    )
    return nodes, links


def _alarms(count: int, cells: int, sites: int, random: np.random.Generator) -> pl.DataFrame:
    """Return alarms on cells, elements, routers and, one in two hundred, on the core's routers."""
    at = random.integers(0, sites, count)
    kind = random.random(count)
    names = [
        _cell(int(number) * CELLS_A_SITE % cells) if share < 0.4
        else f"SubNetwork=1,ManagedElement={number}" if share < 0.8
        else f"SubNetwork=transport,ManagedElement=R{number}" if share < 0.99
        else f"SubNetwork=transport,ManagedElement=A{number // SITES_A_ROUTER}" if share < 0.995
        else "SubNetwork=transport,ManagedElement=C"
        for number, share in zip(at.tolist(), kind.tolist(), strict=True)
    ]  # fmt: skip
    minutes = random.integers(-48 * 60, 24 * 60, count)
    raised = [START + timedelta(minutes=int(number)) for number in minutes]
    return pl.DataFrame(
        {
            "alarm_id": [f"A{number}" for number in range(count)],
            "managed_object_dn": names,
            "raised_at": raised,
            "cleared_at": [moment + timedelta(hours=1) for moment in raised],
            "cell_dn": [name if "NRCellDU" in name else None for name in names],
            "alarm_name": [f"alarm_{number % 20}" for number in range(count)],
            "perceived_severity": ["MAJOR"] * count,
            "probable_cause": [""] * count,
            "specific_problem": [""] * count,
            "is_clear_without_raise": [False] * count,
        },
        schema=ALARMS,
    )


def _changes(count: int, sites: int, random: np.random.Generator) -> pl.DataFrame:
    hours = random.integers(-48, 24, count)
    at = random.integers(0, sites, count)
    return pl.DataFrame(
        {
            "change_id": [f"CRQ{number}" for number in range(count)],
            "title": ["Software upgrade"] * count,
            "actual_start": [START + timedelta(hours=int(hour)) for hour in hours],
            "actual_end": [None] * count,
            "managed_object_dns": [[f"SubNetwork=1,ManagedElement={site}"] for site in at],
        },
        schema=CHANGES,
    )


if __name__ == "__main__":
    main()
