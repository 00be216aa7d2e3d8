"""Which change request, if any, stands behind each change of configuration."""

import polars as pl

from data_products.network_configuration.derive import EXISTENCE, scope_name, scopes_of

_DN = "managed_object_dn"
_VOID_STATES = ("rejected", "cancelled", "canceled")
_CHANGE = [_DN, "attribute", "valid_from", "value"]


def requested_changes(
    actual: pl.DataFrame, looks: pl.DataFrame, requests: pl.DataFrame
) -> pl.DataFrame:
    """Return the changes of configuration, each with the request that asked for it, or null.

    A change happened after the last look before the one that shows it. A request stands behind
    it if it names the object or one above it, its time touches that span, and its parameters,
    where it names any, name the attribute and no other value. What an object had when it came,
    and lost when it went, is one change of its existence. What was so at the first look, or was
    changed before the first known request, is not told.

    Args:
        actual: history of one source.
        looks: root_dn, taken_at, is_whole of the dumps behind it.
        requests: rows of `change_history`.

    Returns:
        managed_object_dn, attribute, valid_from, value, change_id.
    """
    if requests.is_empty():
        return (
            actual.select(_CHANGE).clear().with_columns(pl.lit(None, pl.String).alias("change_id"))
        )
    changes = _with_span(_changes(actual), looks).filter(
        pl.col("valid_from") >= requests["requested_at"].min()
    )
    wanted = _wanted(requests)
    named = scopes_of(changes.select(_DN), wanted.select(pl.col("dn").alias("scope"))).rename(
        {"scope": "dn"}
    )
    pairs = changes.join(named, on=_DN).join(wanted, on="dn")
    in_time = (pl.col("start") <= pl.col("valid_from")) & (pl.col("end") >= pl.col("last_look"))
    any_attribute = pl.col("wanted_attribute").is_null()
    same_value = pl.col("wanted_value").is_null() | _same("wanted_value", "value")
    fits = any_attribute | ((pl.col("wanted_attribute") == pl.col("attribute")) & same_value)
    found = (
        pairs.filter(in_time & fits)
        .sort("start", "change_id")
        .group_by(_DN, "attribute", "valid_from")
        .agg(pl.col("change_id").last())
    )
    return changes.join(found, on=[_DN, "attribute", "valid_from"], how="left").select(
        *_CHANGE, "change_id"
    )


def _changes(actual: pl.DataFrame) -> pl.DataFrame:
    """Return the changes; of an object that came or went, only that it did."""
    existence = actual.filter(pl.col("attribute") == EXISTENCE)
    attributes = actual.filter(pl.col("attribute") != EXISTENCE).join(
        existence, on=[_DN, "valid_from"], how="anti"
    )
    return pl.concat([existence.select(_CHANGE), attributes.select(_CHANGE)])


def _with_span(changes: pl.DataFrame, looks: pl.DataFrame) -> pl.DataFrame:
    """Add the last look before each change; what was so at the first look is left out."""
    scoped = looks.select(scope_name().alias("scope"), "taken_at").unique()
    covered = (
        scopes_of(changes.select(_DN), scoped)
        .join(scoped, on="scope")
        .select(_DN, pl.col("taken_at").alias("last_look"))
        .unique()
        .sort("last_look")
        .with_columns(pl.col("last_look").alias("valid_from"))
    )
    return (
        changes.sort("valid_from")
        .join_asof(
            covered,
            on="valid_from",
            by=_DN,
            strategy="backward",
            allow_exact_matches=False,
            check_sortedness=False,
        )
        .drop_nulls("last_look")
    )


def _wanted(requests: pl.DataFrame) -> pl.DataFrame:
    """Return one row a request, object and parameter; a null attribute stands for any."""
    state = pl.col("state").str.to_lowercase()
    start = pl.coalesce("actual_start", "planned_start", "requested_at")
    return (
        requests.filter(~state.is_in(_VOID_STATES).fill_null(value=False))
        .select(
            "change_id",
            pl.col("managed_object_dns").alias("dn"),
            start.alias("start"),
            pl.max_horizontal(pl.coalesce("actual_end", "planned_end", start), start).alias("end"),
            "parameters",
        )
        .explode("dn")
        .with_columns(
            pl.when(pl.col("parameters").list.len() > 0).then("parameters").alias("parameters")
        )
        .explode("parameters")
        .with_columns(
            pl.col("parameters").struct.field("attribute").alias("wanted_attribute"),
            pl.col("parameters").struct.field("value_after").alias("wanted_value"),
        )
        .drop("parameters")
        .drop_nulls("dn")
    )


def _same(one: str, other: str) -> pl.Expr:
    numbers = [pl.col(name).cast(pl.Float64, strict=False) for name in (one, other)]
    return (pl.col(one) == pl.col(other)).fill_null(value=False) | (
        numbers[0] == numbers[1]
    ).fill_null(value=False)
