"""Where the network is not as planned, and what changed though nobody had asked for it.

Only what is known counts: an object is missing once a dump covered its place without it, and a
change is unplanned only where requests for changes were delivered at all.
"""

import polars as pl

from data_products.network_configuration.derive import EXISTENCE, scope_name, scopes_of
from data_products.network_configuration.requests import requested_changes
from data_products.product import TIME
from semantic_layer.identity import object_class_expression

_DN = "managed_object_dn"
_KEY = [_DN, "attribute"]
_IN_OPERATION = ("energySavingControl", "energySavingMode", "energySavingState")
"""Attributes that change with the load from hour to hour: no plan holds, and no request asks for,
each of their values. Their history is kept all the same."""

DRIFT_SCHEMA: dict[str, pl.DataType] = {
    "managed_object_dn": pl.String(),
    "attribute": pl.String(),
    "kind": pl.String(),
    "detected_at": TIME,
    "ended_at": TIME,
    "object_class": pl.String(),
    "planned_value": pl.String(),
    "actual_value": pl.String(),
    "change_id": pl.String(),
}
"""Columns of a drift, without its source."""


def drift(
    actual: pl.DataFrame,
    looks: pl.DataFrame,
    planned: pl.DataFrame,
    plan_looks: pl.DataFrame,
    requests: pl.DataFrame,
) -> pl.DataFrame:
    """Return every difference from plan and every unplanned change, ordered by time.

    Attributes that change with the load, by which cells save energy, are no drift.

    Args:
        actual: history of one source.
        looks: root_dn, taken_at, is_whole of the dumps behind it.
        planned: history of the plan that was delivered in the same format.
        plan_looks: the same of the documents behind the plan.
        requests: rows of `change_history`; empty means that nothing is known of requests.
    """
    is_planned_for = ~pl.col("attribute").is_in(_IN_OPERATION)
    actual, planned = actual.filter(is_planned_for), planned.filter(is_planned_for)
    explained = requested_changes(actual, looks, requests)
    differing = _differences(actual, looks, planned, plan_looks).join(
        explained.filter(pl.col("change_id").is_not_null()).select(
            *_KEY, pl.col("valid_from").alias("detected_at"), "change_id"
        ),
        on=[*_KEY, "detected_at"],
        how="left",
    )
    unplanned = explained.filter(pl.col("change_id").is_null()).select(
        *_KEY,
        pl.lit("unplanned_change").alias("kind"),
        pl.col("valid_from").alias("detected_at"),
        pl.lit(None, dtype=TIME).alias("ended_at"),
        pl.lit(None, dtype=pl.String).alias("planned_value"),
        pl.col("value").alias("actual_value"),
        "change_id",
    )
    columns = [pl.col(name).cast(dtype) for name, dtype in DRIFT_SCHEMA.items()]
    return (
        pl.concat([differing.select(unplanned.columns), unplanned])
        .with_columns(object_class_expression(_DN).alias("object_class"))
        .select(columns)
        .sort("detected_at", _DN, "attribute", "kind")
    )


def _differences(
    actual: pl.DataFrame, looks: pl.DataFrame, planned: pl.DataFrame, plan_looks: pl.DataFrame
) -> pl.DataFrame:
    told = _timeline(actual, looks, planned, plan_looks)
    is_object = pl.col("attribute") == EXISTENCE
    is_missing = is_object & pl.col("is_planned") & ~pl.col("is_there")
    is_unexpected = is_object & ~pl.col("is_planned") & pl.col("is_there")
    same = pl.col("actual_value").eq_missing(pl.col("planned_value")) | (
        _number("actual_value") == _number("planned_value")
    ).fill_null(value=False)
    differs = ~is_object & pl.col("is_planned") & pl.col("is_there") & ~same
    found = told.with_columns(
        pl.when(is_missing)
        .then(pl.lit("missing_object"))
        .when(is_unexpected)
        .then(pl.lit("unexpected_object"))
        .when(differs)
        .then(pl.lit("differs_from_plan"))
        .alias("kind")
    )
    found = found.filter(pl.col("kind").is_not_null()).rename({"valid_from": "detected_at"})
    return _topmost(_merged(found))


def _timeline(
    actual: pl.DataFrame, looks: pl.DataFrame, planned: pl.DataFrame, plan_looks: pl.DataFrame
) -> pl.DataFrame:
    """Return spans of each planned attribute and known object, with what is planned and so."""
    keys = pl.concat(
        [planned.select(_KEY), actual.filter(pl.col("attribute") == EXISTENCE).select(_KEY)]
    ).unique()
    dns = keys.select(_DN).unique()
    since = (
        dns.join(_first_look(dns, looks, "looked_from"), on=_DN)
        .join(_first_look(dns, plan_looks, "planned_from"), on=_DN)
        .select(_DN, pl.max_horizontal("looked_from", "planned_from").alias("both_from"))
    )
    keys = keys.join(since, on=_DN)
    existence = actual.filter(pl.col("attribute") == EXISTENCE)
    times = pl.concat(
        [
            keys.select(*_KEY, pl.col("both_from").alias("valid_from")),
            keys.join(actual.select(*_KEY, "valid_from"), on=_KEY).select(*_KEY, "valid_from"),
            keys.join(planned.select(*_KEY, "valid_from"), on=_KEY).select(*_KEY, "valid_from"),
            keys.join(existence.select(_DN, "valid_from"), on=_DN).select(*_KEY, "valid_from"),
        ]
    ).unique()
    spans = times.join(since, on=_DN).filter(pl.col("valid_from") >= pl.col("both_from"))
    spans = spans.sort(*_KEY, "valid_from").with_columns(
        pl.col("valid_from").shift(-1).over(_KEY).alias("ended_at")
    )
    spans = _as_of(spans, planned, _KEY, ("planned_value", "is_planned"))
    spans = _as_of(spans, actual, _KEY, ("actual_value", "is_told"))
    return _as_of(spans, existence, [_DN], ("\tclass", "is_there"))


def _as_of(
    spans: pl.DataFrame, history: pl.DataFrame, key: list[str], names: tuple[str, str]
) -> pl.DataFrame:
    """Add what a history says at the start of each span: the value, and whether it is there."""
    value, is_there = names
    past = history.select(
        *key,
        "valid_from",
        pl.when(~pl.col("is_removed")).then("value").alias(value),
        (~pl.col("is_removed")).alias(is_there),
    ).sort("valid_from")
    return (
        spans.sort("valid_from")
        .join_asof(past, on="valid_from", by=key, strategy="backward", check_sortedness=False)
        .with_columns(pl.col(is_there).fill_null(value=False))
    )


def _first_look(dns: pl.DataFrame, looks: pl.DataFrame, name: str) -> pl.DataFrame:
    scoped = looks.select(scope_name().alias("scope"), "taken_at")
    covered = scopes_of(dns, scoped).join(scoped, on="scope")
    return covered.group_by(_DN).agg(pl.col("taken_at").min().alias(name))


def _number(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Float64, strict=False)


def _merged(found: pl.DataFrame) -> pl.DataFrame:
    """Join spans that follow each other and say the same."""
    same = ["kind", "planned_value", "actual_value"]
    ordered = found.sort(*_KEY, "detected_at")
    continues = pl.all_horizontal(
        pl.col(name).eq_missing(pl.col(name).shift()) for name in [*_KEY, *same]
    ) & (pl.col("detected_at") == pl.col("ended_at").shift())
    return ordered.group_by(
        (~continues.fill_null(value=False)).cum_sum().alias("\tspan"), maintain_order=True
    ).agg(
        *(pl.col(name).first() for name in [*_KEY, *same, "detected_at"]), pl.col("ended_at").last()
    )


def _topmost(found: pl.DataFrame) -> pl.DataFrame:
    """Leave out what is missing or unexpected because the object above it is."""
    above = found.with_columns(
        pl.col(_DN).str.replace(r",[^,=\\]+=(?:\\.|[^,\\])*$", "").alias("\tup")
    )
    whole = found.filter(pl.col("kind") != "differs_from_plan").select(
        pl.col(_DN).alias("\tup"), "kind", "detected_at", pl.lit(1).alias("\tis_below")
    )
    is_below = pl.col("\tis_below").is_not_null() & (pl.col("\tup") != pl.col(_DN))
    return above.join(whole, on=["\tup", "kind", "detected_at"], how="left").filter(~is_below)
