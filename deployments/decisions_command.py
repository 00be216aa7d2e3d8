"""`anops decisions`: what was decided and done, read, shown, exported and checked.

anops decisions list | show ID | page ID | export FILE | verify [FILE]
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deployments.command_words import PROFILE
from tasks.settings import apply_profile

decisions = typer.Typer(
    no_args_is_help=True,
    help="Read what agents, guards, people and executors decided; export and check the record.",
)

Decision = Annotated[str, typer.Argument(help="The proposal's id, or how only its id begins.")]


@decisions.command("list")
def list_decisions(
    limit: Annotated[int, typer.Option(min=1, help="Proposals to show.")] = 50,
) -> None:
    """Show the newest proposals and how far each has come."""
    apply_profile(PROFILE)
    from tasks.approval import steps  # noqa: PLC0415 - Prefect is dear

    _say(steps.list_decisions.fn(limit))


@decisions.command()
def show(decision: Decision) -> None:
    """Tell a decision: who, what, why, on what evidence, with which limits, what happened."""
    apply_profile(PROFILE)
    from tasks.approval import steps  # noqa: PLC0415 - Prefect is dear

    _say(steps.show_decision.fn(decision))


@decisions.command()
def page(decision: Decision) -> None:
    """Write a decision's page and say where it lies."""
    apply_profile(PROFILE)
    from tasks.approval import steps  # noqa: PLC0415 - Prefect is dear

    _say(str(steps.write_decision_pages.fn([decision])[0]))


@decisions.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where to write; one entry a line.")],
) -> None:
    """Write the whole record to a file that anybody with the public key can check."""
    apply_profile(PROFILE)
    from tasks.approval import steps  # noqa: PLC0415 - Prefect is dear

    _say(steps.export_decisions.fn(file))


@decisions.command()
def verify(
    file: Annotated[
        Path | None, typer.Argument(help="An export. Unset: the ledger itself, and its witnesses.")
    ] = None,
) -> None:
    """Check every entry; exit with 1 and all that is wrong if anything is."""
    apply_profile(PROFILE)
    from tasks.approval import steps  # noqa: PLC0415 - Prefect is dear

    problems = steps.verify_decisions.fn(file)
    for problem in problems:
        _say(problem)
    if problems:
        raise typer.Exit(1)
    _say(f"{file or 'The ledger'} is as it was written: whole, in order, and signed.")


def _say(text: str) -> None:
    Console().print(text, highlight=False, markup=False, soft_wrap=True)
