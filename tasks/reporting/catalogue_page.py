"""The catalogue of data products as one HTML file that opens from disk, with nothing fetched."""

from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup

from data_products.lineage_graph import LineageGraph
from tasks.reporting.catalogue_material import ProductEntry
from tasks.reporting.catalogue_picture import box_key, lineage_picture
from tasks.reporting.html_page import own_text, page_environment, script_hash


def catalogue_page(
    entries: Sequence[ProductEntry], graph: LineageGraph, moment: datetime, version: str
) -> str:
    """Return the whole page; the same entries always give the same text.

    Args:
        entries: the products.
        graph: their lineage.
        moment: when the page was made.
        version: of the catalogue of definitions.
    """
    script = own_text("catalogue.js")
    product_of = {table.name: entry.product.id for entry in entries for table in entry.tables}
    style = own_text("report.css") + own_text("catalogue.css")
    return (
        page_environment()
        .get_template("catalogue.html")
        .render(
            entries=entries,
            picture=lineage_picture(graph, product_of),
            product_of=product_of,
            key=box_key,
            moment=moment,
            version=version,
            bytes_text=bytes_text,
            style=Markup(style),  # noqa: S704 - our own file, no delivered text
            script=Markup(script),  # noqa: S704 - our own file, no delivered text
            script_hash=script_hash(script),
        )
    )


def bytes_text(size: int) -> str:
    """Return a size as people read it.

    >>> (bytes_text(0), bytes_text(1500), bytes_text(3_200_000))
    ('', '1.5 kB', '3.2 MB')
    """
    if not size:
        return ""
    value, units = float(size), ["B", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{value:.0f} {units[0]}" if units[0] == "B" else f"{value:.1f} {units[0]}"
