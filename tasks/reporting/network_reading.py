"""Reads what else a run perceived: alarms, changes, tickets, drift, topology, core, users.

Each table is read once, at one snapshot, narrowed to the window and to the columns that pages
need; sums that pages show are made here, so that no wide frame travels.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import polars as pl

from data_products.product import ProductTable
from data_products.registry import products
from semantic_layer.periods import Window
from tasks.reporting import network_facts as facts
from tasks.reporting.kpi_sources import KpiSource, KpiSources
from tasks.reporting.material import Schema, nothing, shaped
from tasks.reporting.network_facts import NetworkFacts
from tasks.reporting.reading import PublishedTables, touching

BEFORE = timedelta(hours=48)
"""How long before a finding a change may lie and still be told beside it."""
_LOOKS_BACK = timedelta(days=62)
_OWN_TABLES = ("data_quality", "access_audit")
_DEFAULT_PROFILE = "default"


def network_facts(published: PublishedTables, window: Window, sources: KpiSources) -> NetworkFacts:
    """Return what was perceived of the window beside measurements of cells.

    Args:
        published: where to read.
        window: what is reported.
        sources: definitions of KPIs, with their thresholds.
    """
    outside, watched, granularity = _outside(published, window, sources)
    arrivals = _arrivals(published, window)
    return NetworkFacts(
        arrivals=arrivals,
        alarms=_alarms(published, window),
        changes=_changes(published, window),
        tickets=_tickets(published, window),
        drift=_drift(published, window),
        nodes=_newest(published, "network_topology.nodes", "node_id", window, facts.NODES),
        links=_newest(published, "network_topology.links", "link_id", window, facts.LINKS),
        outside=outside,
        watched_objects=watched,
        kpi_granularity=granularity,
        experience=_experience(published, window),
        evidence=newest_evidence(published, window),
        known_tables=frozenset(arrivals["table_name"]),
    )


def newest_evidence(published: PublishedTables, window: Window) -> pl.DataFrame:
    """Return what stood near the findings that touch the window, each as last told."""
    found = touching(published, "cell_anomalies.evidence", window, facts.EVIDENCE)
    newest = found.group_by("anomaly_id").agg(pl.col("window_start").max())
    return found.join(newest, on=["anomaly_id", "window_start"], maintain_order="left")


def _rows(
    published: PublishedTables, table: str, window: Window | None, schema: Schema
) -> pl.LazyFrame | None:
    """Return only the columns of `schema` that the table has."""
    found = published.read(table, window)
    if found is None:
        return None
    present = set(found.collect_schema().names())
    return found.select(name for name in schema if name in present)


def _wide(window: Window) -> Window:
    return Window(window.start - _LOOKS_BACK, window.end)


def _arrivals(published: PublishedTables, window: Window) -> pl.DataFrame:
    """Return a row a table of which anything was ever published, with what the window has."""
    counted = list(_counted(published, window))
    frames = pl.collect_all([each for _, each in counted])
    rows = [
        {
            "table_name": shape.name,
            "rows": frame["rows"][0],
            "newest": frame["newest"][0],
            "is_delivered": not shape.inputs,
            "latency_s": _latency(shape),
        }
        for (shape, _), frame in zip(counted, frames, strict=True)
    ]
    return pl.DataFrame(rows, schema=dict(facts.ARRIVALS))


def _counted(
    published: PublishedTables, window: Window
) -> Iterator[tuple[ProductTable, pl.LazyFrame]]:
    for product in products().values():
        for name, shape in product.tables.items():
            if product.id in _OWN_TABLES:
                continue
            last = shape.end_column or shape.time_column
            found = published.read(name, window, [last])
            if found is not None:
                newest = pl.col(last).max().alias("newest")
                yield shape, found.select(pl.len().cast(pl.Int64).alias("rows"), newest)


def _latency(shape: ProductTable) -> float | None:
    promised = [rule.high for rule in shape.rules if rule.metric == "latency" and rule.high]
    return min(promised, default=None)


def _alarms(published: PublishedTables, window: Window) -> pl.DataFrame:
    found = _rows(published, "alarms", _wide(window), facts.ALARMS)
    if found is None:
        return nothing(facts.ALARMS)
    stood = pl.col("cleared_at").is_null() | (pl.col("cleared_at") > window.start - BEFORE)
    raised = pl.col("raised_at") < window.end
    order = ("raised_at", "source", "managed_object_dn", "alarm_id")
    return shaped(found.filter(raised & stood).sort(order).collect(), facts.ALARMS)


def _changes(published: PublishedTables, window: Window) -> pl.DataFrame:
    found = _rows(published, "change_history", _wide(window), facts.CHANGES)
    if found is None:
        return nothing(facts.CHANGES)
    since = window.start - BEFORE
    began = pl.coalesce("actual_start", "planned_start", "requested_at")
    ended = pl.coalesce("actual_end", "planned_end", began)
    touches = (pl.col("requested_at") >= window.start) | (ended >= since)
    return shaped(found.filter(touches).sort(began, "change_id").collect(), facts.CHANGES)


def _tickets(published: PublishedTables, window: Window) -> pl.DataFrame:
    found = _rows(published, "trouble_tickets", _wide(window), facts.TICKETS)
    if found is None:
        return nothing(facts.TICKETS)
    ended = pl.coalesce("resolved_at", "closed_at")
    stood = ended.is_null() | (ended > window.start)
    return shaped(found.filter(stood).sort("opened_at", "ticket_id").collect(), facts.TICKETS)


def _drift(published: PublishedTables, window: Window) -> pl.DataFrame:
    found = _rows(published, "network_configuration.drift", _wide(window), facts.DRIFT)
    if found is None:
        return nothing(facts.DRIFT)
    stands = pl.col("ended_at").is_null() | (pl.col("ended_at") > window.start)
    order = ("detected_at", "managed_object_dn", "attribute", "kind")
    return shaped(found.filter(stands).sort(order).collect(), facts.DRIFT)


def _newest(
    published: PublishedTables, table: str, key: str, window: Window, schema: Schema
) -> pl.DataFrame:
    """Return each node or link as it was at the window's end, without those removed."""
    found = published.read(table, None)
    if found is None:
        return nothing(schema)
    known = found.filter(pl.col("valid_from") < window.end).sort("valid_from", "source")
    last = known.unique(["network_id", key], keep="last", maintain_order=True)
    return shaped(last.filter(~pl.col("is_removed")).sort("network_id", key).collect(), schema)


def _outside(
    published: PublishedTables, window: Window, sources: KpiSources
) -> tuple[pl.DataFrame, int, str]:
    """Return the objects whose KPIs left their thresholds, of how many, and of which periods."""
    found = published.read("core_kpis", window)
    if found is None:
        return nothing(facts.OUTSIDE), 0, ""
    present = set(found.collect_schema().names())
    limited = [
        kpi for kpi in sources.every() if kpi.column in present and _limits(kpi) != (None, None)
    ]
    granularity = "hour" if window.seconds >= 3600 else "15min"
    rows = (
        found.filter(pl.col("granularity") == granularity)
        .select("managed_object_dn", "period_start", *(kpi.column for kpi in limited))
        .collect()
    )
    told = [_outside_of(rows, kpi) for kpi in limited]
    every = pl.concat([nothing(facts.OUTSIDE), *told])
    order = ("periods_critical", "periods_outside", "managed_object_dn", "kpi")
    worst_first = every.sort(order, descending=[True, True, False, False])
    return worst_first, rows["managed_object_dn"].n_unique(), granularity


def _outside_of(rows: pl.DataFrame, kpi: KpiSource) -> pl.DataFrame:
    value, (warning, critical) = pl.col(kpi.column), _limits(kpi)
    is_high = kpi.better == "lower"

    def beyond(limit: float | None) -> pl.Expr:
        if limit is None:
            return pl.lit(value=False)
        return value > limit if is_high else value < limit

    told = rows.lazy().filter(value.is_not_nan()).with_columns(
        (beyond(warning) | beyond(critical)).alias("_outside"), beyond(critical).alias("_critical")
    )  # fmt: skip
    found = (
        told.group_by("managed_object_dn")
        .agg(
            pl.lit(kpi.name).alias("kpi"),
            pl.len().alias("periods"),
            pl.col("_outside").sum().alias("periods_outside"),
            pl.col("_critical").sum().alias("periods_critical"),
            (value.max() if is_high else value.min()).alias("worst"),
            pl.col("period_start").filter(pl.col("_outside")).max().alias("last_outside"),
        )
        .filter(pl.col("periods_outside") > 0)
    )
    return shaped(found.collect(), facts.OUTSIDE)


def _limits(kpi: KpiSource) -> tuple[float | None, float | None]:
    """Return warning and critical of the default profile; nothing where neither way is better."""
    if kpi.better == "neither":
        return None, None
    named: Sequence[tuple[str, float | None, float | None]] = kpi.thresholds
    return next(
        ((low, high) for profile, low, high in named if profile == _DEFAULT_PROFILE), (None, None)
    )


def _experience(published: PublishedTables, window: Window) -> pl.DataFrame:
    """Return experience per cell and service; of whole days where the window has them."""
    found = published.read("customer_experience", window)
    if found is None:
        return nothing(facts.EXPERIENCE)
    granularity = "day" if window.seconds >= 86400 else "hour"
    told = ~pl.col("is_withheld") & pl.col("satisfied_share").is_not_null()
    weight = pl.col("sessions_count").filter(told)

    def mean(column: str) -> pl.Expr:
        return (pl.col(column).filter(told) * weight).sum() / weight.sum()

    rows = (
        found.filter(pl.col("granularity") == granularity)
        .group_by("cell_dn", "service")
        .agg(
            pl.col("sessions_count").sum(),
            weight.sum().alias("told_sessions_count"),
            mean("satisfied_share").alias("satisfied_share"),
            mean("drop_share").alias("drop_share"),
            pl.len().alias("groups"),
            pl.col("is_withheld").sum().alias("withheld_groups"),
        )
        .sort("service", "cell_dn")
    )
    return shaped(rows.collect(), facts.EXPERIENCE)
