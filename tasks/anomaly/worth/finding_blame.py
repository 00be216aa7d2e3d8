"""What a finding's blamed KPIs say of it: which kinds strayed, how far, for better or for worse."""

from collections.abc import Sequence

import polars as pl

from semantic_layer.kpis import Kpi

_WILDEST = 3.0  # a KPI that is twenty times the expected says no more than this, in e-folds
_KEY = ["anomaly_id", "window_start"]
_SIGNS = {"higher": -1.0, "lower": 1.0, "neither": 0.0}


def blame_names(kpis: Sequence[Kpi]) -> list[str]:
    """Return the names of the features that `blame_features` adds, in order."""
    categories = sorted({kpi.category for kpi in kpis})
    return [
        "blamed_kpis",
        "top_share",
        "untold_share",
        "worse_share",
        "worsening",
        "load_share",
        "load_change",
        *(f"share_of_{category}" for category in categories),
        *(f"worsening_of_{category}" for category in categories),
        *(f"share_of_kpi_{kpi.name}" for kpi in kpis),
    ]


def blame_features(found: pl.DataFrame, kpis: Sequence[Kpi]) -> pl.DataFrame:
    """Return anomaly_id, window_start and a column for each of `blame_names`; a row a finding.

    A share is the part of the joint distance that a KPI has, 0 to 1. Worsening is the logarithm of
    seen over expected, weighted by share, positive where it went the worse way; a KPI of which
    neither way is better counts as load. A finding without blamed KPIs has shares of 0.

    Args:
        found: rows of `cell_anomalies`.
        kpis: their definitions; one that is blamed and not among them counts in the totals alone.
    """
    known = pl.DataFrame(
        {
            "kpi": [kpi.name for kpi in kpis],
            "category": [kpi.category for kpi in kpis],
            "sign": [_SIGNS[kpi.better] for kpi in kpis],
        },
        schema={"kpi": pl.String, "category": pl.String, "sign": pl.Float64},
    )
    told = (
        found.select(*_KEY, "contributions")
        .explode("contributions", empty_as_null=True, keep_nulls=True)
        .unnest("contributions")
        .drop_nulls("kpi")
        .join(known, on="kpi", how="left", maintain_order="left")
        .with_columns(pl.col("sign").fill_null(0.0), change=_change())
        .with_columns(worse=pl.col("sign") * pl.col("change"), is_load=pl.col("sign") == 0)
    )
    share, worse = pl.col("share"), pl.col("worse")
    load = share.filter("is_load")
    totals = told.group_by(_KEY, maintain_order=True).agg(
        pl.len().alias("blamed_kpis"),
        share.max().alias("top_share"),
        (1 - share.sum()).alias("untold_share"),
        share.filter(worse > 0).sum().alias("worse_share"),
        (share * worse).sum().alias("worsening"),
        load.sum().alias("load_share"),
        ((share * pl.col("change")).filter("is_load").sum() / load.sum()).alias("load_change"),
        *(
            expression.filter(pl.col("category") == category).sum().alias(f"{what}_of_{category}")
            for what, expression in (("share", share), ("worsening", share * worse))
            for category in sorted({kpi.category for kpi in kpis})
        ),
        *(
            share.filter(pl.col("kpi") == kpi.name).sum().alias(f"share_of_kpi_{kpi.name}")
            for kpi in kpis
        ),
    )
    names = blame_names(kpis)
    return (
        found.select(_KEY)
        .join(totals, on=_KEY, how="left", maintain_order="left")
        .select(*_KEY, *(pl.col(name).cast(pl.Float64).fill_nan(0).fill_null(0) for name in names))
    )


def _change() -> pl.Expr:
    """Return the logarithm of seen over expected, bounded; 0 where both are next to nothing."""
    seen, expected = pl.col("seen").abs(), pl.col("expected").abs()
    least = 0.02 * pl.max_horizontal(seen, expected) + 1e-12
    return ((seen + least).log() - (expected + least).log()).clip(-_WILDEST, _WILDEST)
