"""`anops query`: any KPI by any dimension and grain, from published measurements."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deployments.command_words import PROFILE, named_window
from semantic_layer.errors import InputError
from semantic_layer.metric_queries_names import DIMENSIONS
from tasks.settings import apply_profile

_SHOWN = 50


class Grain(StrEnum):
    """How much time one value covers."""

    quarter_hour = "15min"
    hour = "hour"
    day = "day"
    none = "none"


def query(  # noqa: PLR0913, PLR0917  (options of a command)
    kpis: Annotated[
        list[str], typer.Argument(help="Names of KPIs, as in CATALOGUE.md; synonyms do too.")
    ],
    by: Annotated[
        str, typer.Option(help=f"Split by, comma-separated: {', '.join(DIMENSIONS)}.")
    ] = "",
    grain: Annotated[
        Grain, typer.Option(help="Time of a value; none gives one over the window.")
    ] = Grain.none,
    where: Annotated[
        str, typer.Option(help='Such as "band = n78 and not archetype = rural".')
    ] = "",
    start: Annotated[
        datetime | None, typer.Option("--from", help="Start of the window, UTC.")
    ] = None,
    end: Annotated[datetime | None, typer.Option("--to", help="End of the window, UTC.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Rows to show.")] = _SHOWN,
    csv: Annotated[Path | None, typer.Option(help="Write every row to this CSV file.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Ask for KPIs by region, band, site, cell, hour or day: sums added, then divided."""
    apply_profile(PROFILE)
    from tasks.querying.answer_text import answer_csv, answer_json, answer_text  # noqa: PLC0415
    from tasks.querying.steps import answer_query  # noqa: PLC0415  (Prefect, when it is needed)

    names = [name for name in (part.strip() for part in by.split(",")) if name]
    told = answer_query.fn(kpis, names, grain.value, where, named_window(start, end))
    if csv is not None:
        _write(csv, answer_csv(told))
    shown = answer_json(told, limit) if as_json else answer_text(told, limit)
    Console().print(shown, highlight=False, markup=False, soft_wrap=True)
    if csv is not None and not as_json:
        Console().print(f"Every row: {csv}", highlight=False, markup=False, soft_wrap=True)


def _write(path: Path, content: str) -> None:
    try:
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from error
