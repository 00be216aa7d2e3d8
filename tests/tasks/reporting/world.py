"""A small town with a few sick cells, as published tables: what a report is tested on.

Everything follows from the arguments; no random state survives a call.
"""

import math
from datetime import UTC, datetime, timedelta
from random import Random

import polars as pl

from semantic_layer.periods import Window
from tasks.reporting.kpi_sources import CounterSource, KpiSource, KpiSources
from tasks.reporting.material import (
    DELIVERIES,
    EXPECTATIONS,
    FINDINGS,
    JUDGEMENTS,
    QUALITY,
    REJECTIONS,
    TOPOLOGY,
    ReportMaterial,
)

STEP = timedelta(minutes=15)
WINDOW = Window(datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC))
BANDS = (("n78", 3500.0), ("n1", 2100.0), ("n28", 700.0))
NAMES = ("Oldtown", "Harbour", "Station", "Mill Lane", "Stadium", "Campus", "Airport", "Hillside")
KINDS = (
    ("CRITICAL", (("cell_drop_rate", 0.3, 6.4), ("ul_interference", 2.1e-11, 8.3e-9))),
    (
        "MAJOR",
        (
            ("user_throughput_dl", 84.0, 11.3),
            ("dl_latency", 14.0, 96.0),
            ("prb_usage_dl", 41.0, 97.0),
        ),
    ),
    ("MINOR", (("rrc_setup_success_rate", 99.6, 93.1),)),
    ("WARNING", (("mean_cqi", 10.9, 8.2), ("dl_bler", 9.8, 13.5))),
)


def counter(name: str, standard_name: str, unit: str = "1", sign: int = 1) -> CounterSource:
    return CounterSource(
        sign,
        name,
        f"{name}_count",
        name,
        standard_name,
        "NRCellDU",
        unit,
        "sum",
        "3GPP TS 28.552 5.1.1",
    )


def kpi(
    name, title, unit, column, *, better="higher", above=("A.Succ",), below=("A.Att",), high=None
):
    return KpiSource(
        name=name, column=column, title=title, unit=unit, better=better, object_class="NRCellDU",
        category="integrity", source="3GPP TS 28.554 6.2.1", description=f"{title} of one cell.",
        numerator=tuple(counter(one.lower(), one) for one in above),
        denominator=tuple(counter(one.lower(), one) for one in below), low=0.0, high=high,
    )  # fmt: skip


SOURCES = KpiSources.of(
    (
        kpi(
            "cell_drop_rate", "Cell drop rate", "%", "cell_drop_rate_pct", better="lower",
            above=("QF.RelActNbr",), below=("QF.RelAttNbr",), high=100.0,
        ),
        kpi("ul_interference", "Uplink interference", "mW", "ul_interference_mw", better="lower"),
        kpi("user_throughput_dl", "Downlink user throughput", "Mbit/s", "user_throughput_dl_mbps"),
        kpi("dl_latency", "Downlink latency", "ms", "dl_latency_ms", better="lower"),
        kpi("prb_usage_dl", "Downlink PRB usage", "%", "prb_usage_dl_pct", better="neither"),
        kpi(
            "rrc_setup_success_rate", "RRC setup success rate", "%", "rrc_setup_success_rate_pct",
            above=("RRC.ConnEstabSucc",), below=("RRC.ConnEstabAtt",), high=100.0,
        ),
        kpi("mean_cqi", "Mean CQI", "1", "mean_cqi"),
        kpi("dl_bler", "Downlink BLER", "%", "dl_bler_pct", better="lower", high=100.0),
        kpi("cell_availability", "Cell availability", "%", "cell_availability_pct", high=100.0),
    ),
    "c0ffee12",
)  # fmt: skip


def cell_dn(site: int, cell: int) -> str:
    return f"SubNetwork=1,ManagedElement={site},GNBDUFunction=1,NRCellDU={cell}"


def topology(sites: int = 30, bands: int = 3, seed: int = 1) -> pl.DataFrame:
    random = Random(seed)  # noqa: S311 - a drawing, not a secret
    rows = []
    for site in range(1, sites + 1):
        spread = 0.011 * math.sqrt(site)
        angle = site * 2.39996 + random.uniform(-0.15, 0.15)
        turn = random.choice((0, 20, 40, 60))
        for cell in range(1, 3 * bands + 1):
            band, frequency = BANDS[(cell - 1) // 3]
            rows.append(
                {
                    "cell_dn": cell_dn(site, cell),
                    "site_id": f"S{site:03d}",
                    "site_name": f"{NAMES[site % len(NAMES)]} {site}",
                    "latitude_deg": 51.34 + 0.62 * spread * math.sin(angle),
                    "longitude_deg": 12.37 + spread * math.cos(angle),
                    "azimuth_deg": float((turn + 120 * (cell - 1)) % 360),
                    "band": band,
                    "frequency_mhz": frequency,
                    "managed_element_dn": f"SubNetwork=1,ManagedElement={site}",
                    "subnetwork": "1",
                }
            )
    return pl.DataFrame(rows, schema=TOPOLOGY)


def finding(place: int = 1, dn: str | None = None, kind: int = 0, **changes) -> dict:
    severity, blames = KINDS[kind]
    start = WINDOW.start + timedelta(hours=20 + 3 * place % 30)
    return {
        "anomaly_id": f"a{place:04d}",
        "window_start": WINDOW.start,
        "window_end": WINDOW.end,
        "cell_dn": dn or cell_dn(place, 1),
        "anomaly_start": start,
        "anomaly_end": start + timedelta(hours=2 + place % 7, minutes=15),
        "is_ongoing": place % 3 == 0,
        "severity": severity,
        "peak_score": 9.0 - kind - place / 100,
        "periods_count": 9 + 4 * (place % 7),
        "contributions": [
            {"kpi": name, "expected": expected, "seen": seen, "share": 0.6 / (rank + 1)}
            for rank, (name, expected, seen) in enumerate(blames)
        ],
        "explanation": "Drops rise with the noise on the uplink while load stays as expected.",
        "run_id": "run-1",
        "input_snapshots": "cell_kpis@7",
        "contract_version": "1.0.0",
        "catalogue_version": "c0ffee12",
    } | changes  # fmt: skip


def findings(*rows: dict) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=FINDINGS)


def expectations(found: pl.DataFrame, window: Window = WINDOW, seed: int = 3) -> pl.DataFrame:
    random = Random(seed)  # noqa: S311 - a drawing, not a secret
    rows = []
    for row in found.iter_rows(named=True):
        for blame in row["contributions"]:
            start, index = window.start, 0
            while start < window.end:
                day = 1 + 0.12 * math.sin(2 * math.pi * (start.hour - 8) / 24)
                expected = blame["expected"] * day
                ill = row["anomaly_start"] <= start < row["anomaly_end"]
                seen = (blame["seen"] if ill else expected) * (1 + random.gauss(0, 0.03))
                gap = 40 <= index < 52 or index == 60
                values = (expected, 0.9 * expected, 1.1 * expected, None if gap else seen)
                rows.append((row["cell_dn"], start, blame["kpi"], *values))
                start, index = start + STEP, index + 1
    return pl.DataFrame(rows, schema=EXPECTATIONS, orient="row")


def judgements(cells: pl.DataFrame, unjudged: int = 4) -> pl.DataFrame:
    names = cells["cell_dn"].sort().to_list()
    few = "fewer than 3 weeks of history for this time of week"
    rows = [
        (
            dn,
            288,
            0 if at < unjudged else 280,
            0,
            0,
            [few] if at < unjudged else ["no data in the period"],
        )
        for at, dn in enumerate(names)
    ]
    return pl.DataFrame(rows, schema=JUDGEMENTS, orient="row")


def quality() -> pl.DataFrame:
    def row(table, check_id, failed, is_blocking=False, limit=0.01, keys=()):
        return {
            "table_name": table, "window_start": WINDOW.start, "window_end": WINDOW.end,
            "check_id": check_id, "kind": check_id.split(":")[0],
            "columns": check_id.split(":")[-1],
            "evaluated_count": 25920, "failed_count": failed, "failed_share": failed / 25920,
            "limit_share": limit, "is_passed": failed / 25920 <= limit, "is_blocking": is_blocking,
            "scope": "source=sample", "is_accepted": not is_blocking or failed == 0,
            "failing_keys": list(keys), "source": f"contract {table}, line 31",
        }  # fmt: skip

    keys = [f"{cell_dn(3, 1)} 2026-03-02T{hour:02d}:00Z" for hour in range(8)]
    return pl.DataFrame(
        [
            row("pm_measurements", "not_null:cell_dn", 0),
            row("pm_measurements", "between:prb_tot_dl_pct", 3),
            row("pm_measurements", "between:pee_avg_temperature", 900, keys=keys),
            row("cell_kpis", "unique:cell_dn,period_start", 0, is_blocking=True, limit=0.0),
            row("cell_kpis", "between:cell_availability_pct", 0),
        ],
        schema=QUALITY,
    )


def rejections() -> pl.DataFrame:
    return pl.DataFrame(
        [
            ("pm_measurements", "the file ends early", 12, 2, "A.xml.gz", "line 881", "", "<meas"),
            ("pm_measurements", "unknown counter RRU.PrbTotD", 240, 96, "B.xml.gz", "12", "", "17"),
        ],
        schema=REJECTIONS, orient="row",
    )  # fmt: skip


def town(sites: int = 30, bands: int = 3, sick: int = 15) -> ReportMaterial:
    """Return the whole material of a town where `sick` cells behave abnormally."""
    cells = topology(sites, bands)
    found = findings(
        *(
            finding(at, cell_dn(1 + at * 7 % sites, 1 + at % (3 * bands)), kind=min(3, at // 4))
            for at in range(1, sick + 1)
        )
    )
    delivered = pl.DataFrame(
        [(dn, 900, 288 - (at % 9 == 0) * 5, at % 11) for at, dn in enumerate(cells["cell_dn"])],
        schema=DELIVERIES, orient="row",
    )  # fmt: skip
    return ReportMaterial(
        network="Exampletown",
        window=WINDOW,
        run_id="4f6c1f5e-run",
        catalogue_version="c0ffee12",
        findings=found,
        judgements=judgements(cells),
        expectations=expectations(found),
        quality=quality(),
        rejections=rejections(),
        topology=cells,
        deliveries=delivered,
        periods_seen={900: 288},
        evaluation=(
            {"measure": "VUS-PR", "detector": 0.712, "baseline": 0.402},
            {"measure": "false alarms per cell-day", "detector": 0.014, "baseline": 0.093},
        ),
        snapshots=("cell_anomalies@12", "cell_kpis@7"),
    )
