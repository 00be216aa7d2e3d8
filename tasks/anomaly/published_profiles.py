"""Which cells behave alike, as published; read by whoever scores, trains or weighs."""

from datetime import datetime, timedelta

import polars as pl

from data_products.registry import products
from semantic_layer.periods import Window
from tasks.ports import TableStore

_PRODUCT = "cell_profiles"
_REMEMBERED = timedelta(days=62)


def newest_profiles(tables: TableStore, until: datetime) -> dict[str, str]:
    """Return profile by cell DN of the newest week that had begun by then; none where none is.

    Args:
        tables: where to read.
        until: what was profiled later is not looked at, so that a window scored again is scored
            by the profiles of its own time.
    """
    if _PRODUCT not in products():
        return {}
    rows = (
        tables.read(_PRODUCT, Window(until - _REMEMBERED, until))
        .filter(pl.col("cell_profile").is_not_null())
        .select("cell_dn", "week_start", "cell_profile")
        .collect()
    )
    newest = rows.filter(pl.col("week_start") == pl.col("week_start").max())
    return dict(zip(newest["cell_dn"], newest["cell_profile"], strict=True))
