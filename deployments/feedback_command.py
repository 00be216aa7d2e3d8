"""`anops feedback`: confirm, reject or relabel a finding; take in a sheet; list verdicts.

anops feedback FINDING_ID confirm|reject|relabel [--fault-kind KIND] [--comment TEXT] [--as ME]
anops feedback import FILE.csv | list | template > FILE.csv
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from deployments.command_words import PROFILE
from semantic_layer.fault_kinds import fault_kinds
from tasks.settings import apply_profile, settings

_SHOWN = 50


class Word(StrEnum):
    """What is said of a finding."""

    confirm = "confirm"
    reject = "reject"
    relabel = "relabel"


class _FindingFirst(TyperGroup):
    """A group in which a word that is no subcommand is a finding's id."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - typer's own click
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["give", *args]
        return super().resolve_command(ctx, args)


feedback = typer.Typer(
    cls=_FindingFirst,
    no_args_is_help=True,
    help="Say what a finding was: `anops feedback FINDING_ID confirm`. Detectors learn from it.",
)

Author = Annotated[str, typer.Option("--as", help="Who says so. Unset: ANOPS_IDENTITY.")]


@feedback.command()
def give(
    finding: Annotated[str, typer.Argument(help="The finding's id, or how only its id begins.")],
    verdict: Annotated[Word, typer.Argument(help="Was something wrong?")],
    fault_kind: Annotated[
        str, typer.Option(help="What it was; needed to relabel. See `anops feedback kinds`.")
    ] = "",
    comment: Annotated[str, typer.Option(help="For colleagues.")] = "",
    author: Author = "",
) -> None:
    """Confirm, reject or relabel a finding; `give` itself may be left out."""
    apply_profile(PROFILE)
    from tasks.feedback.steps import record_verdict  # noqa: PLC0415 - Prefect is dear

    words = {
        "anomaly_id": finding,
        "verdict": verdict.value,
        "fault_kind": fault_kind,
        "comment": comment,
        "author": author or settings().identity,
    }
    _say(record_verdict.fn(words, "command").says)


@feedback.command("import")
def take_in(
    sheet: Annotated[Path, typer.Argument(help="A CSV file, such as a filled template.")],
    author: Annotated[str, typer.Option("--as", help="Author of rows that name none.")] = "",
) -> None:
    """Take in a sheet of verdicts; the same sheet twice adds nothing."""
    apply_profile(PROFILE)
    from tasks.feedback.steps import import_verdicts  # noqa: PLC0415 - Prefect is dear

    _say(import_verdicts.fn(sheet, author).says)


@feedback.command("list")
def list_given(
    limit: Annotated[int, typer.Option(min=1, help="Verdicts to show.")] = _SHOWN,
    *,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print all as CSV.")] = False,
) -> None:
    """Show the newest verdicts, as far as ANOPS_IDENTITY may see them."""
    apply_profile(PROFILE)
    from tasks.feedback.steps import list_verdicts  # noqa: PLC0415 - Prefect is dear

    typer.echo(list_verdicts.fn(limit, as_csv=as_csv), nl=not as_csv)


@feedback.command()
def template(
    limit: Annotated[int, typer.Option(min=1, help="Findings to list.")] = _SHOWN,
) -> None:
    """Print the findings most worth a verdict as CSV, to fill in and import."""
    apply_profile(PROFILE)
    from tasks.feedback.steps import write_template  # noqa: PLC0415 - Prefect is dear

    typer.echo(write_template.fn(None, limit), nl=False)


@feedback.command()
def kinds() -> None:
    """List what a finding may be called."""
    for kind in fault_kinds().values():
        mark = "fault" if kind.is_fault else "no fault"
        _say(f"{kind.name:24} {mark:9} {kind.title}: {kind.description}")


def _say(text: str) -> None:
    Console().print(text, highlight=False, markup=False, soft_wrap=True)
