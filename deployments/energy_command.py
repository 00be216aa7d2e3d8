"""`anops energy`: plan for a goal in words, see what saves energy now, and what was saved.

anops energy plan "save as much as you can in the west tonight, but nothing near the stadium"
anops energy status | savings | model
"""

from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Column, Table

from deployments.command_words import PROFILE
from tasks.settings import apply_profile

energy = typer.Typer(
    no_args_is_help=True,
    help="Energy saving: plans for a goal, what saves now, what was saved.",
)

Stand = Annotated[bool, typer.Option("--stand", help="Let `save-energy` go on with this goal.")]


@energy.command()
def plan(
    goal: Annotated[str, typer.Argument(help="What to save, where, when, and what must hold.")],
    stand: Stand = False,  # noqa: FBT002 - typer reads it as an option
) -> None:
    """Plan for a goal from the newest forecast on, and print what it saves and costs."""
    apply_profile(PROFILE)
    from tasks.energy.steps import planned_text  # noqa: PLC0415 - Prefect is dear

    Console().print(Markdown(planned_text(goal, stands=stand)))


@energy.command()
def status() -> None:
    """List the changes that save energy now, and who was woken lately, why and how late."""
    apply_profile(PROFILE)
    from tasks.energy.steps import status_rows  # noqa: PLC0415 - Prefect is dear
    from tasks.energy.waking.steps import wakings_report  # noqa: PLC0415

    rows = status_rows()
    if rows:
        table = Table(*(Column(name, overflow="fold") for name in rows[0]))
        for row in rows:
            table.add_row(*map(str, row.values()))
        Console().print(table)
    else:
        typer.echo("Nothing saves energy now. `anops start save-energy` plans and proposes.")
    Console().print(Markdown(wakings_report()))


@energy.command()
def savings() -> None:
    """Print what was saved by day, with its interval, rebound and what users felt."""
    apply_profile(PROFILE)
    from tasks.energy.accounting.steps import savings_report  # noqa: PLC0415 - Prefect is dear

    Console().print(Markdown(savings_report()))


@energy.command()
def model() -> None:
    """Print how well the model of site energy does on this network's own sites."""
    apply_profile(PROFILE)
    from tasks.energy.accounting.steps import model_report  # noqa: PLC0415 - Prefect is dear

    Console().print(Markdown(model_report()))
