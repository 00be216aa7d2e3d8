"""`anops models`: which models there are, which serve, and who said so."""

import getpass
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console

from deployments.command_words import PROFILE, named_window
from semantic_layer.errors import InputError
from tasks.settings import apply_profile

app = typer.Typer(
    no_args_is_help=True, help="Models that score cells: list, show, promote, roll back, compare."
)

Name = Annotated[str, typer.Argument(help="A model's name, such as cell_anomalies.all.")]
Reason = Annotated[str, typer.Option(help="Why; it is put on record.")]
Author = Annotated[str, typer.Option(help="Who says so. Unset: who is logged in.")]


@app.command("list")
def list_models() -> None:
    """List every model with its champion and challenger."""
    apply_profile(PROFILE)
    from tasks.anomaly.training.steps import listed_models  # noqa: PLC0415 - Prefect is dear

    _say(listed_models())


@app.command()
def show(
    name: Name,
    version: Annotated[
        int | None, typer.Option(min=1, help="Unset: the champion, or the newest.")
    ] = None,
) -> None:
    """Show where a version comes from, its figures, and who held each role when."""
    apply_profile(PROFILE)
    from tasks.anomaly.training.steps import shown_model  # noqa: PLC0415

    _say(shown_model(name, version))


@app.command()
def promote(
    name: Name,
    version: Annotated[int, typer.Argument(min=1, help="The version that shall serve.")],
    reason: Reason,
    author: Author = "",
    *,
    despite_gate: Annotated[
        bool, typer.Option("--despite-gate", help="Also when the gate refused it.")
    ] = False,
) -> None:
    """Let a version serve from the next scoring on."""
    apply_profile(PROFILE)
    from tasks.anomaly.training.steps import promote_model  # noqa: PLC0415

    _say(promote_model(name, version, reason, _author(author), despite_gate=despite_gate))


@app.command()
def rollback(name: Name, reason: Reason, author: Author = "") -> None:
    """Let the former champion serve again, from the next scoring on."""
    apply_profile(PROFILE)
    from tasks.anomaly.training.steps import roll_back_model  # noqa: PLC0415

    _say(roll_back_model(name, reason, _author(author)))


@app.command()
def compare(
    name: Name,
    start: Annotated[datetime, typer.Option("--from", help="Start of the window, UTC.")],
    end: Annotated[datetime, typer.Option("--to", help="End of the window, UTC.")],
) -> None:
    """Score a window with champion and challenger, and say where they differ and who was right."""
    apply_profile(PROFILE)
    from tasks.anomaly.training.steps import compare_models  # noqa: PLC0415

    window = named_window(start, end)
    if window is None:
        raise InputError("A comparison needs --from and --to.")
    _say(compare_models.fn(name, window))


def _author(named: str) -> str:
    """Return who is put on record.

    Raises:
        InputError: nobody is named, and the machine does not know who is logged in.
    """
    try:
        return named or getpass.getuser()
    except (OSError, KeyError) as error:
        raise InputError("Nobody knows who you are here; name yourself with --author.") from error


def _say(text: str) -> None:
    Console().print(text, highlight=False, markup=False, soft_wrap=True)
