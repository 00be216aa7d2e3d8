"""`anops approvals`: what waits for a person's word, and giving it.

anops approvals list | show ID | approve ID --as PERSON [--digest D] | reject ID --as PERSON
anops approvals delegate ID PERSON --as PERSON | withdraw ID --as PERSON | token PERSON
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from deployments.command_words import PROFILE
from semantic_layer.errors import InputError
from tasks.settings import apply_profile, settings

if TYPE_CHECKING:
    from tasks.approval.deciding import Speaker

approvals = typer.Typer(
    no_args_is_help=True,
    help="See what agents propose and waits for a person; approve, reject, delegate or withdraw.",
)

Proposal = Annotated[str, typer.Argument(help="The proposal's id, or how only its id begins.")]
Who = Annotated[str, typer.Option("--as", help="Who says so: a name of the people file.")]
Comment = Annotated[str, typer.Option(help="For the record.")]
Token = Annotated[
    bool, typer.Option("--token", help="Ask for the person's token; who it is follows from it.")
]


@approvals.command("list")
def list_waiting() -> None:
    """Show what waits for a person, soonest to expire first."""
    apply_profile(PROFILE)
    from tasks.approval import steps  # noqa: PLC0415 - Prefect is dear

    _say(steps.list_waiting.fn())


@approvals.command()
def show(proposal: Proposal) -> None:
    """Show a proposal: what is written, why, within which limits, and its digest."""
    apply_profile(PROFILE)
    from tasks.approval import steps  # noqa: PLC0415 - Prefect is dear

    _say(steps.show_proposal.fn(proposal))


@approvals.command()
def approve(
    proposal: Proposal,
    who: Who = "",
    digest: Annotated[
        str, typer.Option(help="Of the change set, its first 12 digits at least. Unset: asked for.")
    ] = "",
    comment: Comment = "",
    *,
    token: Token = False,
) -> None:
    """Approve a change set, named by its digest: exactly that will be executed."""
    apply_profile(PROFILE)
    from tasks.approval import steps  # noqa: PLC0415 - Prefect is dear

    if not digest:
        _say(steps.show_proposal.fn(proposal))
        digest = typer.prompt("Digest of what you approve (its first 12 digits)")
    _say(steps.approve.fn(proposal, _speaker(who, is_asked=token), digest, comment))


@approvals.command()
def reject(
    proposal: Proposal, who: Who = "", comment: Comment = "", *, token: Token = False
) -> None:
    """Reject a proposal; one no is enough."""
    apply_profile(PROFILE)
    from tasks.approval import steps  # noqa: PLC0415 - Prefect is dear

    _say(steps.reject.fn(proposal, _speaker(who, is_asked=token), comment))


@approvals.command()
def delegate(
    proposal: Proposal,
    to: Annotated[str, typer.Argument(help="Who may approve in your place.")],
    who: Who = "",
    until: Annotated[
        datetime | None,
        typer.Option(help="UTC, in the network's time. Unset: as long as the request stands."),
    ] = None,
    comment: Comment = "",
    *,
    token: Token = False,
) -> None:
    """Let another person approve a proposal in your place."""
    apply_profile(PROFILE)
    from tasks.approval import steps  # noqa: PLC0415 - Prefect is dear

    end = until.replace(tzinfo=UTC) if until and until.tzinfo is None else until
    _say(steps.delegate.fn(proposal, _speaker(who, is_asked=token), to, end, comment))


@approvals.command()
def withdraw(
    proposal: Proposal, who: Who = "", comment: Comment = "", *, token: Token = False
) -> None:
    """Take a proposal back before anything is written, approved or not."""
    apply_profile(PROFILE)
    from tasks.approval import steps  # noqa: PLC0415 - Prefect is dear

    _say(steps.withdraw.fn(proposal, _speaker(who, is_asked=token), comment))


@approvals.command("token")
def make_token(
    person: Annotated[str, typer.Argument(help="Of the people file that ANOPS_PEOPLE_FILE names.")],
) -> None:
    """Make a token by which a person answers over REST, and print it once."""
    apply_profile(PROFILE)
    from tasks.approval import steps  # noqa: PLC0415 - Prefect is dear

    made = steps.make_token.fn(person)
    _say(f"Token of {person}, told this once; its hash is in the file of people:\n{made}")


def _speaker(who: str, *, is_asked: bool) -> "Speaker":
    """Return who speaks: the holder of a token that is asked for, or the name that was typed."""
    from tasks.approval import steps  # noqa: PLC0415 - Prefect is dear
    from tasks.approval.deciding import Speaker  # noqa: PLC0415 - comes with it

    if not is_asked:
        return Speaker(who or settings().identity, "command")
    holder = steps.person_of_token.fn(typer.prompt("Token", hide_input=True))
    if holder is None or who not in ("", holder):
        raise InputError("That is nobody's token, or another person's.")
    return Speaker(holder, "command", has_token=True)


def _say(text: str) -> None:
    Console().print(text, highlight=False, markup=False, soft_wrap=True)
