"""`anops sample`: the sample network's own time, what was written to it, and letting time pass.

anops sample now | advance --hours 6 | advance --until 2025-06-05T06:00 | writes
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from deployments.command_words import PROFILE
from semantic_layer.errors import InputError
from tasks.adapters.sample_files import StandingWrite, read_report, read_writes
from tasks.settings import apply_profile, settings

sample = typer.Typer(
    no_args_is_help=True,
    help="The sample network goes on for seven days after what was delivered: let time pass, and "
    "see what was written to it.",
)

_QUARTER = timedelta(minutes=15)


@sample.command()
def now() -> None:
    """Say what time it is in the sample network, and which writes stand."""
    folder = _folder()
    report, writes = read_report(folder), read_writes(folder)
    from tasks.twin.live_network import latest_moment  # noqa: PLC0415 - the twin is dear

    _say(f"It is {_told(report.now)} in {folder.name}; it goes on until "
         f"{_told(latest_moment(folder))} at most.")  # fmt: skip
    standing = _standing(writes)
    _say(f"{len(standing)} of {len(writes)} writes stand.")
    for write in standing:
        _say(_line(write))


@sample.command()
def advance(
    hours: Annotated[
        float, typer.Option(min=0.25, help="How long; quarters of an hour count.")
    ] = 1.0,
    until: Annotated[
        datetime | None, typer.Option(help="Until when, UTC; instead of --hours.")
    ] = None,
) -> None:
    """Let time pass: the network delivers what it measures, and writes act."""
    folder = _folder()
    begin = read_report(folder).now
    from tasks.twin.live_network import LiveNetwork, checked  # noqa: PLC0415 - the twin is dear

    end = begin + timedelta(hours=hours) if until is None else _in_utc(until)
    checked(folder, end)
    if end <= begin:
        raise InputError(f"It is {_told(begin)} already in {folder.name}; time only goes forward.")
    network = LiveNetwork(folder)
    periods = (end - begin) // _QUARTER
    for number in track(range(1, periods + 1), "Time passes", transient=True):
        network.advance(begin + number * _QUARTER)
    _say(f"It is {_told(end)} in {folder.name}: {periods} periods were delivered.")
    _say("`anops run` takes in what was delivered.")


@sample.command()
def writes() -> None:
    """List what was written to the sample network, oldest first."""
    told = read_writes(_folder())
    for write in told:
        _say(_line(write))
    if not told:
        _say("Nothing was written.")


def _folder() -> Path:
    """Return the chosen sample network's folder.

    Raises:
        InputError: it does not stand, or does not live.
    """
    apply_profile(PROFILE)
    folder = settings().sample_folder
    if not (folder / "live" / "now.json").is_file():
        raise InputError(
            f"No sample network that goes on stands at {folder}; `anops run` writes a village or "
            "a town on first use, as ANOPS_SAMPLE_NETWORK says."
        )
    return folder


def _standing(told: list[StandingWrite]) -> list[StandingWrite]:
    """Return the writes that no later one has replaced or taken back."""
    last: dict[tuple[str, str], StandingWrite] = {}
    first: dict[tuple[str, str], StandingWrite] = {}
    for write in told:
        place = write.operation.dn, write.operation.attribute
        first.setdefault(place, write)
        last[place] = write
    return [it for place, it in last.items() if it.operation.after != first[place].before]


def _line(write: StandingWrite) -> str:
    it = write.operation
    what = f"{it.attribute} of {it.dn}" if it.attribute else it.dn
    return f"{write.number:4} {_told(write.at)} {it.kind} {what}: {write.before} -> {it.after}"


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _told(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M}Z"


def _say(text: str) -> None:
    Console().print(text, highlight=False, markup=False, soft_wrap=True)
