"""Sections of documents become versions of documents: a changed text is a new one, since when."""

from datetime import datetime

import polars as pl

from data_products.product import TIME

DOCUMENT_SCHEMA: dict[str, pl.DataType] = {
    "document_id": pl.String(),
    "section_number": pl.Int64(),
    "valid_from": TIME,
    "kind": pl.String(),
    "title": pl.String(),
    "section_title": pl.String(),
    "heading_path": pl.String(),
    "text": pl.String(),
    "domain": pl.String(),
    "vendor": pl.String(),
    "object_classes": pl.List(pl.String),
    "language": pl.String(),
    "source_file": pl.String(),
    "content_hash": pl.String(),
}
"""Columns of a section; `valid_from` is what the document states, or null."""

_VERSION = ["document_id", "source_file", "content_hash", "valid_from"]


def derive(sections: pl.DataFrame, standing: pl.DataFrame, since: datetime) -> pl.DataFrame:
    """Return every section of every version of every document, delivered or published before.

    A document that was moved keeps its id, if its text stayed and its old place is empty. One whose
    text and place are those of its newest version is that version. Any other is a new version: from
    the time that it states, if that is news, else from `since`.

    Args:
        sections: of the delivered documents, columns of `DOCUMENT_SCHEMA`.
        standing: published sections of the same source.
        since: the start of the window that sees the delivery.
    """
    delivered = _moved(sections, standing)
    newest = (
        standing.sort("valid_from", maintain_order=True)
        .group_by("document_id", maintain_order=True)
        .agg(
            pl.col("valid_from").last().alias("standing_from"),
            pl.col("content_hash").last().alias("standing_hash"),
            pl.col("source_file").last().alias("standing_file"),
        )
    )
    told = delivered.join(newest, on="document_id", how="left", maintain_order="left")
    is_known = pl.col("standing_from").is_not_null()
    is_same = (pl.col("standing_hash") == pl.col("content_hash")) & (
        pl.col("standing_file") == pl.col("source_file")
    )
    is_news = pl.col("valid_from").is_not_null() & (
        ~is_known | (pl.col("valid_from") > pl.col("standing_from"))
    )
    seen = pl.max_horizontal("standing_from", pl.lit(since, TIME))
    valid = pl.when(is_same).then("standing_from").when(is_news).then("valid_from").otherwise(seen)
    fresh = told.with_columns(valid.alias("valid_from")).select(*DOCUMENT_SCHEMA)
    kept = standing.select(*DOCUMENT_SCHEMA).join(
        fresh, on=["document_id", "valid_from"], how="anti"
    )
    return pl.concat([fresh, kept]).sort("document_id", "valid_from", "section_number")


def _moved(sections: pl.DataFrame, standing: pl.DataFrame) -> pl.DataFrame:
    """Return sections with the id under which a moved document is known."""
    places, ids = sections["source_file"].unique(), sections["document_id"].unique()
    homeless = (
        standing.select(_VERSION)
        .filter(
            ~pl.col("source_file").is_in(places.implode()),
            ~pl.col("document_id").is_in(ids.implode()),
        )
        .sort("valid_from", "document_id")
        .unique("content_hash", keep="last", maintain_order=True)
        .select("content_hash", pl.col("document_id").alias("known_id"))
    )
    unknown = ~pl.col("document_id").is_in(standing["document_id"].unique().implode())
    first = pl.col("source_file") == pl.col("source_file").min().over("content_hash")
    named = pl.when(unknown & first).then(pl.coalesce("known_id", "document_id"))
    return sections.join(homeless, on="content_hash", how="left", maintain_order="left").select(
        named.otherwise("document_id").alias("document_id"),
        *(name for name in DOCUMENT_SCHEMA if name != "document_id"),
    )
