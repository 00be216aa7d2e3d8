"""`anops knowledge`: search runbooks and validated cases, index documents, list cases.

anops knowledge search "noise in the uplink at night" [--domain radio] [--object-class NRCellDU]
anops knowledge index | cases
"""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from deployments.command_words import PROFILE
from tasks.settings import apply_profile

app = typer.Typer(
    no_args_is_help=True,
    help="Runbooks and validated cases: what others found out before, to be cited and checked.",
)


@app.command()
def search(
    text: Annotated[str, typer.Argument(help="A question, or words; ids and KPI names as well.")],
    domain: Annotated[str, typer.Option(help="Such as radio, transport, core, power.")] = "",
    object_class: Annotated[str, typer.Option(help="Such as NRCellDU.")] = "",
    at: Annotated[
        str, typer.Option(help="As documents stood then, such as 2026-03-01. Unset: now.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=50, help="Most passages of each kind.")] = 5,
) -> None:
    """Print the passages that fit best, each with the id by which it is cited."""
    apply_profile(PROFILE)
    from tasks.knowledge.steps import search_text  # noqa: PLC0415 - Prefect is dear

    Console().print(escape(search_text.fn(text, domain, object_class, _moment(at), limit)))


@app.command()
def index() -> None:
    """Cut documents into passages and index them; quick where nothing changed."""
    apply_profile(PROFILE)
    from tasks.knowledge.steps import index_knowledge  # noqa: PLC0415 - Prefect is dear

    snapshot = index_knowledge.fn()
    said = "published" if snapshot.window else "stood already"
    Console().print(f"{snapshot.rows} passages {said}; the index holds what is published.")


@app.command()
def cases() -> None:
    """List validated cases, the most believed first."""
    apply_profile(PROFILE)
    from tasks.knowledge.steps import cases_text  # noqa: PLC0415 - Prefect is dear

    Console().print(escape(cases_text.fn()))


def _moment(text: str) -> datetime | None:
    """Return the moment that a text names, in UTC where it says nothing else; None for none."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no time; write it like 2026-03-01T12:00.") from error
    return moment.replace(tzinfo=moment.tzinfo or UTC)
