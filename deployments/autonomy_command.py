"""`anops autonomy`: how much is left to the system by use case; set it, freeze or thaw the network.

anops autonomy show | set USE_CASE LEVEL --reason TEXT --by PERSON
anops autonomy freeze --reason TEXT --by PERSON | thaw --reason TEXT --by PERSON
"""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from deployments.command_words import PROFILE
from semantic_layer.autonomy import autonomy_rules
from semantic_layer.errors import InputError, did_you_mean
from tasks.guardrails.approvals import load_people
from tasks.settings import apply_profile, settings

autonomy = typer.Typer(
    no_args_is_help=True,
    help="Show and set how much is left to the system (TM Forum L0 to L5); freeze the network.",
)

Reason = Annotated[str, typer.Option(help="Why; it is put on record.")]
By = Annotated[str, typer.Option("--by", help="Who says so: a name of the people file.")]


@autonomy.command()
def show() -> None:
    """Show each use case's level, since when, on what evidence, and what it lacks to rise."""
    apply_profile(PROFILE)
    from tasks.guarding.steps import autonomy_table  # noqa: PLC0415 - Prefect is dear

    rows = autonomy_table.fn()
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*row.values())
    Console().print(table)


@autonomy.command("set")
def set_level(
    use_case: Annotated[str, typer.Argument(help="Such as heal_sleeping_cell.")],
    level: Annotated[int, typer.Argument(min=0, max=5, help="0 to 5.")],
    reason: Reason = "",
    by: By = "",
) -> None:
    """Set a use case's level by hand; higher ones than defined must be earned by outcomes."""
    apply_profile(PROFILE)
    from tasks.guarding.steps import set_autonomy  # noqa: PLC0415 - Prefect is dear

    typer.echo(set_autonomy.fn(use_case, level, entitled(by), reason))


@autonomy.command()
def freeze(reason: Reason = "", by: By = "") -> None:
    """Let nothing be changed in the network until it is thawed."""
    _set_freeze(reason, by, is_frozen=True)


@autonomy.command()
def thaw(reason: Reason = "", by: By = "") -> None:
    """Let changes begin again."""
    _set_freeze(reason, by, is_frozen=False)


def entitled(by: str) -> str:
    """Return the person, if a role of theirs may set levels; ask for their token if they need one.

    Raises:
        InputError: it is nobody, no role of theirs may, or the token is not theirs.
    """
    people = load_people(settings().approvers)
    if by not in people.persons:
        raise InputError(
            f"{by[:60]!r} is nobody of {settings().approvers.name}; say who you are with --by"
            f"{did_you_mean(by, people.persons)}"
        )
    person = people.persons[by]
    roles = autonomy_rules().may_set
    if not set(person.roles) & set(roles):
        raise InputError(
            f"{person.name} may not set levels or freeze the network; that is for: "
            f"{', '.join(roles)}."
        )
    if person.needs_token:
        token = typer.prompt("Token", hide_input=True)
        if people.holder_of(token) != by:
            raise InputError(f"That token is not {person.name}'s.")
    return by


def _set_freeze(reason: str, by: str, *, is_frozen: bool) -> None:
    apply_profile(PROFILE)
    from tasks.guarding.steps import set_freeze  # noqa: PLC0415 - Prefect is dear

    typer.echo(set_freeze.fn(entitled(by), reason, is_frozen=is_frozen))
