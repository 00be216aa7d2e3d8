"""A sample network that lives on after what was delivered: time passes, and writes act.

Each period is one transaction: simulated by itself, delivered by renaming, and counted last. A
process that dies leaves at most files that the next one writes again, the same to the byte.
"""

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
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
from tasks.twin.conditions import Conditions
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
from tasks.twin.sample_network import read_manifest, simulated_run
from tasks.twin.scenario import SampleNetwork
from tasks.twin.state import State
from tasks.twin.subscribers import write_sessions
from tasks.twin.traffic import PERIOD_S
from tasks.twin.written_effects import Writes

_PERIOD = timedelta(seconds=PERIOD_S)


def continue_sample_network(folder: Path, until: datetime) -> Window | None:
    """Let time pass in a sample network until a moment; return the time that passed, if any.

    Args:
        folder: of the network, as `write_sample_network` left it.
        until: a quarter of an hour's start; nothing happens where it has passed already.

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
        InputError: no network stands there, or the moment is none of its periods' ends.
    """
    latest = latest_moment(folder)
    if until.tzinfo is None or (latest - until) % _PERIOD:
        raise InputError(f"Time passes by quarters of an hour, UTC; got {until.isoformat()}.")
    if until > latest:
        raise InputError(
            f"The sample network goes on for {FOLLOWING_DAYS} days, until {latest:%Y-%m-%dT%H:%M}Z;"
            f" {until:%Y-%m-%dT%H:%M}Z lies beyond. Remove {folder} to begin anew."
        )
    return until


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
        self._writes: list[StandingWrite] | None = None
        self._acting: tuple[Conditions, npt.NDArray[np.int8]] | None = None

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
        """The network's time: the end of what has been delivered."""
        return read_report(self.folder).now

    def advance(self, until: datetime) -> Window | None:
        """Let time pass until a moment, and deliver what networks deliver.

        Returns:
            The time that passed; None where it had passed already.
        """
        begin = self.now
        while self.now < min(until, self.following.end):
            with alone_in(self.folder):
                self._pass(is_delivered=True)
        return Window(begin, self.now) if self.now > begin else None

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
        while self.now < min(until, self.following.end):
            with alone_in(self.folder):
                run = self._pass(is_delivered=False)
            yield run

    def sound(self, run: Run) -> State:
        """Return a period that has passed as it would have been without any fault or write."""
        period = self.following.period_from(run.calendar.starts[0])
        return self.following.sound.between(period, period + 1)

    def faults(self) -> pl.DataFrame:
        """Return the truth of faults so far, see `FOLLOWING_FAULTS`; for evaluations only."""
        return fault_rows(self.following, read_writes(self.folder), self.now, self.visible)

    def _pass(self, *, is_delivered: bool) -> Run:
        """Let the next period pass; call it alone."""
        report, writes = read_report(self.folder), read_writes(self.folder)
        if self._acting is None or writes != self._writes:
            known = Writes(self.following, writes)
            self._acting = known.conditions(), known.saving_modes()
            self._writes = writes
        period = self.following.period_from(report.now)
        run = self.following.run_of(period, *_of_period(self._acting, period))
        end = report.now + _PERIOD
        departed = reported_departures(self.following, writes, end)
        told = LiveReport(end, len(writes), departed)
        if is_delivered:
            _Delivery(self, run, told, writes).carry_out()
        write_report(self.folder, told)
        return run


def _of_period(
    acting: tuple[Conditions, npt.NDArray[np.int8]], period: int
) -> tuple[Conditions, npt.NDArray[np.int8]]:
    conditions, modes = acting
    return conditions.between(period, period + 1), modes[period : period + 1]


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
