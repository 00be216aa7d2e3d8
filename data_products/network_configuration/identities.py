"""Who an object was before: cells that were renamed, and sites that were built anew.

A cell is who the network says it is: its NR cell identity, or the id of its gNB or eNB with its
own local id. A site is its place, as its managed element names it. Under a new name with the
same identity it was renamed and its KPIs continue; with other cells at the same place it was
rebuilt and they begin anew.
"""

from datetime import timedelta

import polars as pl

from data_products.network_configuration.derive import EXISTENCE
from data_products.product import TIME
from semantic_layer.identity import CELL_CLASSES, MANAGED_ELEMENT, managed_element_expression

IDENTITY_SCHEMA: dict[str, pl.DataType] = {
    "managed_object_dn": pl.String(),
    "valid_from": TIME,
    "previous_dn": pl.String(),
    "reason": pl.String(),
    "evidence": pl.String(),
}
"""Columns of an identity, without its source."""

_DN = "managed_object_dn"
_LAST_STEP = r",[^,=\\]+=(?:\\.|[^,\\])*$"
_CELLS = (*CELL_CLASSES, "NRCellCU")
_NODE_IDS = ("gNBId", "eNBId", "enbId", "eNBFunctionId")
_PLACES = ("peeParametersList.siteIdentification", "siteIdentification", "locationName")
# The old name may still be in a dump of the same night that is taken after the new name's.
_OVERLAP = timedelta(days=1)


def identities(history: pl.DataFrame) -> pl.DataFrame:
    """Return who was whom, ordered by time.

    Args:
        history: of one source.
    """
    lives = _lives(history)
    cells = _cells(lives, history)
    elements = _elements(lives, history)
    found = [_renamed(cells), _moved_elements(elements, cells), _rebuilt_in_place(elements, cells)]
    columns = [pl.col(name).cast(dtype) for name, dtype in IDENTITY_SCHEMA.items()]
    return pl.concat([part.select(columns) for part in found]).sort("valid_from", _DN)


def _lives(history: pl.DataFrame) -> pl.DataFrame:
    """Return the spans in which each object existed: managed_object_dn, class, born, ended."""
    existence = history.filter(pl.col("attribute") == EXISTENCE).sort(_DN, "valid_from")
    return (
        existence.with_columns(pl.col("valid_from").shift(-1).over(_DN).alias("ended"))
        .filter(~pl.col("is_removed"))
        .select(
            _DN, pl.col("value").alias("object_class"), pl.col("valid_from").alias("born"), "ended"
        )
    )


def _first_values(
    lives: pl.DataFrame, history: pl.DataFrame, names: tuple[str, ...], into: str
) -> pl.DataFrame:
    """Add the first value that an object had in its life of the first attribute that it has."""
    told = history.filter(
        pl.col("attribute").is_in(names), ~pl.col("is_removed"), pl.col("value").str.len_chars() > 0
    ).with_columns(
        pl.col("attribute").replace_strict(list(names), list(range(len(names)))).alias("\trank")
    )
    first = (
        lives.select(_DN, "born", "ended")
        .join(told.select(_DN, "valid_from", "value", "\trank"), on=_DN)
        .filter(
            pl.col("valid_from") >= pl.col("born"),
            (pl.col("valid_from") < pl.col("ended")) | pl.col("ended").is_null(),
        )
        .sort("\trank", "valid_from")
        .group_by(_DN, "born", maintain_order=True)
        .agg(pl.col("value").first().alias(into))
    )
    return lives.join(first, on=[_DN, "born"], how="left")


def _cells(lives: pl.DataFrame, history: pl.DataFrame) -> pl.DataFrame:
    """Return the lives of cells with `identity`, null where it is not told, and their element."""
    cells = lives.filter(pl.col("object_class").is_in(_CELLS)).with_columns(
        pl.col(_DN).str.replace(_LAST_STEP, "").alias("\tnode"),
        managed_element_expression(_DN).alias("element"),
    )
    cells = _first_values(cells, history, ("nCI", "nRCellIdentity"), "\tglobal")
    cells = _first_values(cells, history, ("cellLocalId", "localCellId", "cellId"), "\tlocal")
    nodes = lives.join(cells.select(pl.col("\tnode").alias(_DN)).unique(), on=_DN)
    nodes = _first_values(nodes, history, _NODE_IDS, "\tnode_id").filter(
        pl.col("\tnode_id").is_not_null()
    )
    nodes = nodes.select(pl.col(_DN).alias("\tnode"), pl.col("born").alias("\tsince"), "\tnode_id")
    cells = cells.sort("born").join_asof(
        nodes.sort("\tsince"),
        left_on="born",
        right_on="\tsince",
        by="\tnode",
        check_sortedness=False,
    )
    whole = pl.concat_str(pl.lit("nCI="), pl.col("\tglobal"))
    parts = pl.concat_str(
        pl.lit("node="), pl.col("\tnode_id"), pl.lit(" cellLocalId="), pl.col("\tlocal")
    )
    return cells.with_columns(pl.coalesce(whole, parts).alias("identity")).select(
        _DN, "object_class", "born", "ended", "element", "identity"
    )


def _elements(lives: pl.DataFrame, history: pl.DataFrame) -> pl.DataFrame:
    elements = lives.filter(pl.col("object_class") == MANAGED_ELEMENT)
    return _first_values(elements, history, _PLACES, "place").drop("object_class")


def _renamed(cells: pl.DataFrame) -> pl.DataFrame:
    """Return cells whose identity another name had before, which has gone."""
    known = cells.filter(pl.col("identity").is_not_null())
    before = known.select(
        "identity",
        "object_class",
        pl.col(_DN).alias("previous_dn"),
        pl.col("born").alias("\told_born"),
        pl.col("ended").alias("\told_ended"),
    )
    return (
        known.join(before, on=["identity", "object_class"])
        .filter(
            pl.col("previous_dn") != pl.col(_DN),
            pl.col("\told_born") < pl.col("born"),
            pl.col("\told_ended") <= pl.col("born") + _OVERLAP,
        )
        .sort("\told_ended", "previous_dn")
        .group_by(_DN, "born", maintain_order=True)
        .agg(pl.col("previous_dn").last(), pl.col("identity").first())
        .select(
            _DN,
            pl.col("born").alias("valid_from"),
            "previous_dn",
            pl.lit("renamed").alias("reason"),
            pl.concat_str(pl.lit("same "), pl.col("identity")).alias("evidence"),
        )
    )


def _moved_elements(elements: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """Return managed elements that stand where another stood that has gone."""
    known = elements.filter(pl.col("place").is_not_null())
    before = known.select(
        "place",
        pl.col(_DN).alias("previous_dn"),
        pl.col("born").alias("\told_born"),
        pl.col("ended").alias("\told_ended"),
    )
    pairs = known.join(before, on="place").filter(
        pl.col("previous_dn") != pl.col(_DN), pl.col("\told_born") < pl.col("born")
    )
    gone = (pl.col("\told_ended") <= pl.col("born") + _OVERLAP).fill_null(value=False)
    pairs = (
        pairs.with_columns(gone.alias("\tgone"))
        .filter(pl.col("\tgone").all().over(_DN, "born"))  # one that stays shares the place
        .sort("\told_ended", "previous_dn")
        .unique([_DN, "born"], keep="last", maintain_order=True)
    )
    own = _identities_of(cells, "\town")
    theirs = _identities_of(cells, "\ttheirs")
    return (
        pairs.join(own, left_on=_DN, right_on="element", how="inner")
        .join(theirs, left_on="previous_dn", right_on="element", how="inner")
        .with_columns(
            pl.col("\town").list.set_intersection("\ttheirs").list.len().alias("\tshared")
        )
        .select(
            _DN,
            pl.col("born").alias("valid_from"),
            "previous_dn",
            pl.when(pl.col("\tshared") > 0)
            .then(pl.lit("renamed"))
            .otherwise(pl.lit("rebuilt"))
            .alias("reason"),
            pl.format("same place {}, {} cells the same", "place", "\tshared").alias("evidence"),
        )
    )


def _identities_of(cells: pl.DataFrame, name: str) -> pl.DataFrame:
    known = cells.filter(pl.col("identity").is_not_null(), pl.col("element").is_not_null())
    return known.group_by("element").agg(pl.col("identity").unique().sort().alias(name))


def _rebuilt_in_place(elements: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """Return managed elements that kept their name while all their cells became others."""
    known = cells.filter(pl.col("identity").is_not_null(), pl.col("element").is_not_null())
    moments = known.select("element", pl.col("born").alias("\tat")).unique()
    around = known.join(moments, on="element").with_columns(
        (pl.col("born") < pl.col("\tat")).alias("\tis_old"),
        (pl.col("born") == pl.col("\tat")).alias("\tis_new"),
    )
    stays = pl.col("\tis_old") & (pl.col("ended").is_null() | (pl.col("ended") > pl.col("\tat")))
    ends_now = pl.col("\tis_old") & (pl.col("ended") == pl.col("\tat"))
    found = around.group_by("element", "\tat").agg(
        stays.any().alias("\tstays"),
        ends_now.sum().alias("\tended"),
        pl.col("identity").filter(pl.col("\tis_old")).unique().alias("\told"),
        pl.col("identity").filter(pl.col("\tis_new")).unique().alias("\tnew"),
    )
    found = found.filter(
        ~pl.col("\tstays"),
        pl.col("\tended") > 0,
        pl.col("\told").list.set_intersection("\tnew").list.len() == 0,
    )
    return (
        found.join(elements, left_on="element", right_on=_DN)
        .filter(pl.col("born") < pl.col("\tat"))
        .unique(["element", "\tat"])
        .select(
            pl.col("element").alias(_DN),
            pl.col("\tat").alias("valid_from"),
            pl.col("element").alias("previous_dn"),
            pl.lit("rebuilt").alias("reason"),
            pl.format("all {} cells replaced", "\tended").alias("evidence"),
        )
    )
