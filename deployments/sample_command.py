"""`anops sample`: the sample network's own time, what was written to it, and letting time pass.

anops sample now | writes
anops sample advance --hours 6 | advance --minutes 3 | advance --until 2025-06-05T06:07
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
    if report.now > report.counted_until:
        _say(f"Measurements are counted until {_told(report.counted_until)}.")
    standing = _standing(writes)
    _say(f"{len(standing)} of {len(writes)} writes stand.")
    for write in standing:
        _say(_line(write))


@sample.command()
def advance(
    hours: Annotated[
        float | None, typer.Option(help="How long; an hour where nothing is said.")
    ] = None,
    minutes: Annotated[int | None, typer.Option(help="How long; instead of --hours.")] = None,
    until: Annotated[
        datetime | None, typer.Option(help="Until when, to the minute, UTC; instead of --hours.")
    ] = None,
) -> None:
    """Let time pass: each minute is streamed, each quarter of an hour counted, and writes act."""
    folder = _folder()
    begin, counted = _times(folder)
    from tasks.twin.live_network import LiveNetwork, checked  # noqa: PLC0415 - the twin is dear

    end = _end(begin, hours, minutes, until)
    checked(folder, end)
    if end <= begin:
        raise InputError(f"It is {_told(begin)} already in {folder.name}; time only goes forward.")
    steps = LiveNetwork(folder).steps(end)
    for _ in track(steps, "Time passes", total=-((counted - end) // _QUARTER), transient=True):
        pass
    periods = (_times(folder)[1] - counted) // _QUARTER
    _say(f"It is {_told(end)} in {folder.name}: {periods} periods were delivered.")
    if periods:
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


def _times(folder: Path) -> tuple[datetime, datetime]:
    """Return the network's time, and until when its measurements are counted."""
    report = read_report(folder)
    return report.now, report.counted_until


def _end(
    begin: datetime, hours: float | None, minutes: int | None, until: datetime | None
) -> datetime:
    """Return until when time shall pass.

    Raises:
        InputError: it is said twice, or lies farther than time can be told.
    """
    if sum(one is not None for one in (hours, minutes, until)) > 1:
        raise InputError("Say how long time passes once: --hours, --minutes or --until.")
    if until is not None:
        return _in_utc(until)
    try:
        if minutes is not None:
            return begin + timedelta(minutes=minutes)
        return begin + timedelta(hours=1.0 if hours is None else hours)
    except (OverflowError, ValueError) as error:
        raise InputError(
            f"No time passes for {minutes if hours is None else hours}; name some hours or minutes."
        ) from error


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
