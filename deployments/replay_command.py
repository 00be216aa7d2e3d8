"""`anops replay`: an agent's run once more from its transcript, and whether it decides the same."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from deployments.command_words import PROFILE
from semantic_layer.errors import InputError, UnknownNameError
from tasks.settings import apply_profile

AGENTS: Mapping[str, str] = {
    "explain_finding": "tasks.explaining.agent",
    "heal_cell": "tasks.healing.agent",
    "plan_energy": "tasks.energy.agent",
}
"""In which module the function of an agent's name stands."""


def replay(
    run: Annotated[str, typer.Argument(help="Id of the run; unneeded with --file.")] = "",
    file: Annotated[
        Path | None, typer.Option(help="Exported transcript (.ndjson) instead of a kept one.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Do an agent's run again with recorded answers; fail where its decision is not the same."""
    apply_profile(PROFILE)
    from tasks.agents.replay_text import replay_json, replay_text  # noqa: PLC0415

    told = replay_of(recorded_events(run, file))
    shown = replay_json(told) if as_json else replay_text(told)
    Console().print(shown, highlight=False, markup=False, soft_wrap=True)
    if not told.is_same:
        raise typer.Exit(1)


def recorded_events(run: str, file: Path | None) -> list[dict[str, Any]]:
    """Return the events of a kept run, or of an exported file; either way its chain is checked.

    Raises:
        InputError: neither or both are named, there is none, or it was changed.
    """
    if bool(run) == (file is not None):
        raise InputError("Name either a run, or --file with an exported transcript.")
    if file is None:
        from tasks.wiring import services  # noqa: PLC0415

        return services().transcripts.read(run)
    from tasks.adapters.transcript_lines import events_of  # noqa: PLC0415

    try:
        return events_of(file.read_text(encoding="utf-8"), file.name)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read: {error}.") from error


def replay_of(events: list[dict[str, Any]]) -> Any:  # noqa: ANN401 - a Replay, imported when used
    """Return what a run gives when it is done again.

    Raises:
        InputError: the transcript is not whole.
        UnknownNameError: no agent of its name is known here.
    """
    from semantic_layer.loading import catalogue  # noqa: PLC0415
    from tasks.agents.opening import code_version  # noqa: PLC0415
    from tasks.agents.replaying import replayed  # noqa: PLC0415

    name = str(events[0].get("content", {}).get("agent")) if events else ""
    if name not in AGENTS:
        raise UnknownNameError.of("agent", name, AGENTS, "the transcript's first event")
    agent = getattr(import_module(AGENTS[name]), name)
    versions = {"code_version": code_version(), "catalogue_version": catalogue().version}
    return replayed(events, agent, versions)
