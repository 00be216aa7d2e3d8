"""Wakings on record become rows with their delay: each cell of a proposal once, by time."""

import polars as pl

from data_products.product import TIME

ON_RECORD: dict[str, pl.DataType] = {
    "proposal_id": pl.String(),
    "cell_dn": pl.String(),
    "managed_element_dn": pl.String(),
    "mode": pl.String(),
    "reason": pl.String(),
    "because_of_dn": pl.String(),
    "source": pl.String(),
    "began_at": TIME,
    "seen_at": TIME,
    "asked_at": TIME,
    "deciding_s": pl.Float64(),
    "woken_at": TIME,
    "switch_s": pl.Float64(),
}
"""Columns of wakings as the ledger tells them; times are the network's, UTC."""

_MICROSECONDS = 1_000_000.0


def derive(wakings: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the product.

    A network whose time stands still while a machine decides loses nothing of the delay by it: the
    machine's seconds are added to the moment of asking.

    Args:
        wakings: columns of `ON_RECORD`; of a cell told twice of a proposal the first counts.
    """
    decided = pl.col("asked_at") + _seconds("deciding_s")
    on_air = pl.max_horizontal("woken_at", decided) + _seconds("switch_s")
    return (
        wakings.select(*ON_RECORD)
        .unique(["proposal_id", "cell_dn"], keep="first", maintain_order=True)
        .with_columns(on_air.alias("on_air_at"))
        .with_columns(
            ((pl.col("on_air_at") - pl.col("began_at")).dt.total_microseconds() / _MICROSECONDS)
            .alias("delay_s")
        )
        .sort("woken_at", "proposal_id", "cell_dn")
    )  # fmt: skip


def _seconds(column: str) -> pl.Expr:
    return pl.duration(microseconds=(pl.col(column) * _MICROSECONDS).round().cast(pl.Int64))
