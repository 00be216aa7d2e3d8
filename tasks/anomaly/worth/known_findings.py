"""Published findings with their features: read through one port, narrowed at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from semantic_layer.finding_worth import FindingWorth
from semantic_layer.kpis import Kpi
from semantic_layer.periods import Window
from tasks.anomaly.worth.finding_features import (
    BASELINE,
    EVIDENCE,
    PROFILES,
    VERDICTS,
    Surroundings,
    finding_features,
)
from tasks.anomaly.worth.finding_neighborhood import places_of
from tasks.ports import TableStore

_LINEAGE_FREE = (
    "anomaly_id", "window_start", "window_end", "cell_dn", "anomaly_start", "anomaly_end",
    "is_ongoing", "severity", "peak_score", "periods_count", "contributions",
)  # fmt: skip
_LONGEST = timedelta(days=14)
"""How long before a window its findings may have begun and still be read from there."""


@dataclass(frozen=True, slots=True)
class KnownFindings:
    """Findings of some windows.

    Attributes:
        found: rows of `cell_anomalies`, in order of window and id.
        features: `finding_features` of the same rows.
        places: where judged cells stand.
        verdicts: `VERDICTS` that were known by then.
    """

    found: pl.DataFrame
    features: pl.DataFrame
    places: pl.DataFrame
    verdicts: pl.DataFrame


def known_findings(
    tables: TableStore,
    window: Window,
    kpis: Sequence[Kpi],
    profiles: Mapping[str, str],
    rules: FindingWorth,
    known_by: datetime | None = None,
) -> KnownFindings:
    """Return the findings of the windows that lie in `window`, with what tells them apart.

    Args:
        tables: where to read.
        window: one scored window, or a span of them.
        kpis: definitions of what may be blamed.
        profiles: profile by cell DN.
        rules: of a finding's worth.
        known_by: verdicts given later are not looked at; the window's end when None.
    """
    found = (
        tables.read("cell_anomalies", window, columns=list(_LINEAGE_FREE))
        .collect()
        .sort("window_start", "anomaly_id")
    )
    key = ["anomaly_id", "window_start"]
    evidence = tables.read("cell_anomalies.evidence", window, columns=list(EVIDENCE)).collect()
    weighed = tables.read("finding_verdicts.weighed", columns=list(VERDICTS)).filter(
        pl.col("last_given_at") < (known_by or window.end)
    )
    judged = tables.read("cell_anomalies.scores", window, columns=["cell_dn"]).unique().collect()
    topology = tables.read(
        "network_topology", columns=["cell_dn", "site_id", "neighbor_dns", "valid_from"]
    ).filter(pl.col("valid_from") < window.end)
    places = places_of(pl.concat([judged["cell_dn"], found["cell_dn"]]), topology.collect())
    verdicts = weighed.collect()
    around = Surroundings(
        places=places,
        baseline=_baseline(tables, found, window),
        evidence=evidence.join(found.select(key), on=key, how="semi"),
        verdicts=verdicts,
        profiles=pl.DataFrame(
            {"cell_dn": list(profiles), "cell_profile": list(profiles.values())}, PROFILES
        ),
    )
    within = timedelta(hours=rules.common_cause_hours)
    return KnownFindings(found, finding_features(found, around, kpis, within), places, verdicts)


def _baseline(tables: TableStore, found: pl.DataFrame, window: Window) -> pl.DataFrame:
    """Return baseline scores of the cells that have findings, since the first of them began."""
    starts: list[datetime] = found["anomaly_start"].to_list()
    begun = max(min([window.start, *starts]), window.start - _LONGEST)
    rows = tables.read("cell_anomalies.scores", Window(begun, window.end), columns=list(BASELINE))
    return rows.filter(pl.col("cell_dn").is_in(found["cell_dn"].unique().to_list())).collect()
