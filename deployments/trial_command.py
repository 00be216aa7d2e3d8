"""`anops trial`: how well a language model does the work that agents ask of it, by own cases.

anops trial embedded [--beside own_server] [--repeats 4] [--kind tool] [--limit 10]
anops trial none
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deployments.command_words import PROFILE
from tasks.settings import apply_profile


class Kind(StrEnum):
    """Kinds of work that can be tried alone."""

    intent = "intent"
    tool = "tool"
    hypothesis = "hypothesis"
    summary = "summary"
    hostile = "hostile"


def trial(
    route: Annotated[
        str, typer.Argument(help="Of the file of routes; `none`: only what needs no model.")
    ],
    beside: Annotated[str | None, typer.Option(help="Another route to compare with.")] = None,
    repeats: Annotated[int, typer.Option(min=1, max=64, help="How often each case is asked.")] = 4,
    kind: Annotated[
        list[Kind] | None, typer.Option(help="Only this kind of work; may be named again.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Most cases of each kind.")] = None,
) -> None:
    """Ask a route all cases, and tell how often it was right, beside what needs no model."""
    apply_profile(PROFILE)
    from tasks.trials.steps import run_trial  # noqa: PLC0415 - Prefect is dear

    kinds = [one.value for one in kind or ()]
    with Console(stderr=True).status(
        "Asking; attempts are kept under reports/trials as they come."
    ):
        report = Path(run_trial.fn(route, beside, repeats, kinds, limit))
    console = Console()
    told = report.read_text(encoding="utf-8")
    console.print(told, highlight=False, markup=False, soft_wrap=True)
    console.print(f"The report: {report}", highlight=False, markup=False, soft_wrap=True)
