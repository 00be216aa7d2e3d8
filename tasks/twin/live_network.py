"""A sample network that lives on after what was delivered: time passes by minutes, and writes act.

Each minute is streamed as it passes. Each period, a quarter of an hour, is one transaction when it
ends: simulated by itself, delivered by renaming, and counted last. A process that dies leaves at
most files that the next one writes again, the same to the byte.
"""

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from semantic_layer.errors import InputError
from semantic_layer.periods import Window
from tasks.adapters.sample_files import (
    LiveReport,
    StandingWrite,
    alone_in,
    read_report,
    read_writes,
    write_report,
)
from tasks.twin.alarms import alarm_causes, write_arrived_alarms
from tasks.twin.configuration import DUMP_HOUR
from tasks.twin.configuration_files import write_night
from tasks.twin.delivered_records import told_configuration
from tasks.twin.delivered_rows import DeliveredRows, Run, delivered_rows
from tasks.twin.following import FOLLOWING_DAYS, Following, following_of
from tasks.twin.following_truth import (
    FollowingCauses,
    fault_rows,
    visible_faults,
)
from tasks.twin.live_report import reported_departures, reported_objects, write_first_report
from tasks.twin.measurement_xml import write_measurement_files
from tasks.twin.minute_stream import KEPT, MINUTE, forget_minutes, stream_folder, write_minute
from tasks.twin.quarters import Quarters
from tasks.twin.sample_network import read_manifest, simulated_run
from tasks.twin.saving_courses import QuarterPart
from tasks.twin.scenario import SampleNetwork
from tasks.twin.state import State
from tasks.twin.subscribers import write_sessions
from tasks.twin.traffic import PERIOD_S

_PERIOD = timedelta(seconds=PERIOD_S)


def continue_sample_network(folder: Path, until: datetime) -> Window | None:
    """Let time pass in a sample network until a moment; return the time that passed, if any.

    Args:
        folder: of the network, as `write_sample_network` left it.
        until: a whole minute; nothing happens where it has passed already.

    Raises:
        InputError: no such network, no such moment, or it lies beyond the following days.
    """
    checked(folder, until)
    return LiveNetwork(folder).advance(until)


def latest_moment(folder: Path) -> datetime:
    """Return until when time can pass in a network at most.

    Raises:
        InputError: no network stands there.
    """
    return read_manifest(folder).parameters.end + timedelta(days=FOLLOWING_DAYS)


def checked(folder: Path, until: datetime) -> datetime:
    """Return a moment until which time can pass in a network.

    Raises:
        InputError: no network stands there, or the moment is no whole minute of its days.
    """
    latest = latest_moment(folder)
    _check_minute(until)
    if until > latest:
        raise InputError(
            f"The sample network goes on for {FOLLOWING_DAYS} days, until {latest:%Y-%m-%dT%H:%M}Z;"
            f" {until:%Y-%m-%dT%H:%M}Z lies beyond. Remove {folder} to begin anew."
        )
    return until


def _check_minute(moment: datetime) -> None:
    if moment.tzinfo is None or moment.second or moment.microsecond:
        raise InputError(
            f"Time passes by whole minutes, UTC; got {moment.isoformat()}. Name a moment as in "
            "2025-06-05T06:07+00:00."
        )


class LiveNetwork:
    """A sample network kept in memory, so that each period costs only itself.

    Several processes may hold one of the same folder: periods pass one at a time.

    Attributes:
        folder: of the network.
        following: the days after what was delivered, before any write.
        visible: faults that move their own cells beyond scatter; for evaluations only.
        causes: which fault moves a cell; for evaluations only.
    """

    def __init__(self, folder: Path, following: Following | None = None) -> None:
        self.folder = folder
        self.following = _read(folder) if following is None else following
        self.visible = visible_faults(self.following)
        self.causes = FollowingCauses(self.following)
        self._quarters = Quarters(self.following)

    @classmethod
    def begun(cls, chosen: SampleNetwork, folder: Path) -> tuple["LiveNetwork", Run]:
        """Return a network of which nothing is delivered, and its run so far; for evaluations.

        Args:
            chosen: what it is made of.
            folder: where its report and the writes to it are kept.
        """
        run, _, happened = simulated_run(chosen)
        (folder / "live").mkdir(parents=True)
        told = told_configuration(run, happened.changes, happened.faults)
        write_first_report(folder, told, chosen.end)
        return cls(folder, following_of(chosen, run, happened.faults, happened.changes)), run

    @property
    def now(self) -> datetime:
        """The network's time; what has been counted ends with the quarter that holds it."""
        return read_report(self.folder).now

    def advance(self, until: datetime, *, has_files: bool = True) -> Window | None:
        """Let time pass until a moment, and deliver what networks deliver.

        Args:
            until: a whole minute; the network's last moment where it lies beyond.
            has_files: write what is counted in each quarter, and not only the minutes' stream.

        Returns:
            The time that passed; None where it had passed already.

        Raises:
            InputError: the moment is no whole minute.
        """
        begin = self.now
        for _ in self.steps(until, has_files=has_files):
            pass
        return Window(begin, self.now) if self.now > begin else None

    def steps(self, until: datetime, *, has_files: bool = True) -> Iterator[datetime]:
        """Let time pass as `advance` does, and yield the network's time after each step.

        Minutes that ended an hour before `until`, or earlier, are not streamed: nobody will hear.

        Raises:
            InputError: the moment is no whole minute.
        """
        _check_minute(until)
        until = min(until, self.following.end)
        while self.now < until:
            with alone_in(self.folder):
                self._step(until, has_files=has_files)
            yield self.now

    def passing(
        self, until: datetime, *, has_distributions: bool = False
    ) -> Iterator[DeliveredRows]:
        """Let time pass until a moment, deliver nothing, and yield each period's rows instead.

        Args:
            until: the end of the last period.
            has_distributions: count the distributions themselves, and not only their sums.
        """
        for run in self.runs(until):
            yield delivered_rows(run, 0, 1, has_distributions=has_distributions)

    def runs(self, until: datetime) -> Iterator[Run]:
        """Let time pass until a moment, deliver nothing, and yield each period as it truly was."""
        until = min(until, self.following.end)
        while self.now < until:
            with alone_in(self.folder):
                report = self._told()
                run = None if report.now >= until else self._pass(report, has_files=False)
            if run is not None:  # another process was quicker
                yield run

    def sound(self, run: Run) -> State:
        """Return a period that has passed as it would have been without any fault or write."""
        period = self.following.period_from(run.calendar.starts[0])
        return self.following.sound.between(period, period + 1)

    def faults(self) -> pl.DataFrame:
        """Return the truth of faults so far, see `FOLLOWING_FAULTS`; for evaluations only."""
        return fault_rows(self.following, read_writes(self.folder), self.now, self.visible)

    def parts(self, start: datetime) -> tuple[QuarterPart, ...]:
        """Return the stretches of a quarter of an hour in which no cell changes how it saves.

        They follow from the writes so far; for evaluations only.

        Args:
            start: of the quarter.
        """
        self._told()
        return self._quarters.parts(self.following.period_from(start))

    def part_runs(self, start: datetime) -> list[tuple[QuarterPart, Run]]:
        """Return each stretch of `parts`, with the quarter as if it lasted all of the time."""
        period = self.following.period_from(start)
        return [(part, self._quarters.run_in(period, part.modes)) for part in self.parts(start)]

    def _told(self) -> LiveReport:
        """Take in what was written, and return what the network reports."""
        self._quarters.take(read_writes(self.folder))
        return read_report(self.folder)

    def _step(self, until: datetime, *, has_files: bool) -> None:
        """Let time pass until a moment, or the quarter's end if that comes first; call it alone."""
        report = self._told()
        if report.now >= until:  # another process was quicker
            return
        end = min(until, report.counted_until + _PERIOD)
        self._stream(report.now, end, until)
        if end == report.counted_until + _PERIOD:
            self._pass(report, has_files=has_files)
        else:
            write_report(self.folder, LiveReport(end, report.writes, report.departures))

    def _stream(self, begin: datetime, end: datetime, until: datetime) -> None:
        """Write the minutes of a time within one quarter, but for those forgotten by `until`."""
        folder = stream_folder(self.folder)
        begin = max(begin, until - KEPT)
        while begin < end:
            write_minute(self._quarters.run_at(begin, begin + MINUTE), begin + MINUTE, folder)
            begin += MINUTE
        forget_minutes(folder, end)

    def _pass(self, report: LiveReport, *, has_files: bool) -> Run:
        """Let the quarter of an hour that runs come to its end; call it alone."""
        writes = read_writes(self.folder)
        run = self._quarters.run(self.following.period_from(report.counted_until))
        end = report.counted_until + _PERIOD
        departed = reported_departures(self.following, writes, end)
        told = LiveReport(end, len(writes), departed)
        if has_files:
            _Delivery(self, run, told, writes).carry_out()
        write_report(self.folder, told)
        return run


def _read(folder: Path) -> Following:
    chosen = read_manifest(folder).parameters
    run, _, happened = simulated_run(chosen)
    return following_of(chosen, run, happened.faults, happened.changes)


class _Delivery:
    """Everything that one period leaves in the network's folder, but for its time."""

    def __init__(
        self, network: LiveNetwork, run: Run, told: LiveReport, writes: list[StandingWrite]
    ) -> None:
        self._network = network
        self._following = network.following
        self._run = run
        self._told = told
        self._writes = writes
        self._half = network.folder / "live" / ".half"

    def carry_out(self) -> None:
        """Write all files aside, then put each in its place at once."""
        shutil.rmtree(self._half, ignore_errors=True)
        for part in ("pm", "alarms", "sessions", "configuration/planned"):
            (self._half / "delivered" / part).mkdir(parents=True)
        (self._half / "truth" / "following_cell_periods").mkdir(parents=True)
        self._write()
        for path in sorted(path for path in self._half.rglob("*") if path.is_file()):
            target = self._network.folder / path.relative_to(self._half)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
        shutil.rmtree(self._half)

    def _write(self) -> None:
        run, delivered = self._run, self._half / "delivered"
        start, end = run.calendar.starts[0], self._told.now
        rows = delivered_rows(run, 0, 1, has_distributions=True)
        write_measurement_files(rows, delivered / "pm", run.catalogue)
        write_sessions(run, 0, 1, delivered / "sessions", f"{start:%Y-%m-%dT%H%M}")
        write_arrived_alarms(self._following.sent, start, end, delivered / "alarms")
        if (end.hour, end.minute) == (DUMP_HOUR, 0):
            self._dump(end, delivered / "configuration")
        self._write_truth(start, end)

    def _dump(self, night: datetime, folder: Path) -> None:
        following = self._following
        write_night(reported_objects(following.planned, self._told.departures), night, folder)
        planned = following.configuration.planned_at(night)
        if planned != following.configuration.planned_at(night - timedelta(days=1)):
            write_night(planned, night, folder / "planned")

    def _write_truth(self, start: datetime, end: datetime) -> None:
        truth = self._half / "truth"
        self._faults(end).write_parquet(truth / "following_faults.parquet")
        arrived = [
            one for one in self._following.sent
            if self._following.chosen.end <= one.received_at < end
        ]  # fmt: skip
        alarm_causes(arrived).write_parquet(truth / "following_alarm_causes.parquet")
        moved = self._network.causes.rows(self._run, self._writes)
        moved.write_parquet(truth / "following_cell_periods" / f"{start:%Y-%m-%dT%H%M}.parquet")
        self._network.causes.benign.write_parquet(truth / "following_benign.parquet")

    def _faults(self, end: datetime) -> pl.DataFrame:
        return fault_rows(self._following, self._writes, end, self._network.visible)
