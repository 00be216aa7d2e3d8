"""Quarters of an hour of the following days, as what was written makes them.

The order of laws: whatever is written acts from the next quarter on, but saving energy at once
(saving_courses.py). A quarter in which no cell changes how it saves is simulated as a whole, one in
which cells do is blended from its parts (part_quarters.py).
"""

from collections.abc import Sequence
from datetime import datetime

from tasks.adapters.sample_files import StandingWrite
from tasks.twin.conditions import Conditions
from tasks.twin.delivered_rows import Run
from tasks.twin.following import Following
from tasks.twin.mode_power import Modes
from tasks.twin.part_quarters import blended
from tasks.twin.saving_courses import QuarterPart, SavingCourses
from tasks.twin.sleep_modes import SAVING_FUNCTION
from tasks.twin.traffic import PERIOD_S
from tasks.twin.written_effects import Writes


class Quarters:
    """Quarters of an hour under writes; what was simulated of the newest one asked for is kept."""

    def __init__(self, following: Following, writes: Sequence[StandingWrite] = ()) -> None:
        self._following = following
        self._writes = list(writes)
        self._conditions: Conditions
        self._courses: SavingCourses
        self._known: dict[bytes, Run] = {}
        self._period = -1
        self._take(Writes(following, writes), is_saving=False)

    def take(self, writes: Sequence[StandingWrite]) -> None:
        """Let all writes so far act; it costs little where only energy saving was written."""
        if list(writes) == self._writes:
            return
        is_saving = _others(writes) == _others(self._writes)
        self._writes = list(writes)
        self._take(Writes(self._following, writes), is_saving=is_saving)

    def run(self, period: int) -> Run:
        """Return a period of the calendar as it truly is."""
        parts = self.parts(period)
        if len(parts) == 1 and not parts[0].starting.any():
            return self.run_in(period, parts[0].modes)
        base = self._conditions.between(period, period + 1)
        return blended(base, [(part, self.run_in(period, part.modes)) for part in parts])

    def run_in(self, period: int, modes: Modes) -> Run:
        """Return a period as it would be if cells were in some modes (cells,) all the time."""
        if period != self._period:
            self._known, self._period = {}, period
        key = modes.tobytes()
        if key not in self._known:
            base = self._conditions.between(period, period + 1)
            self._known[key] = self._following.run_of(period, base, modes[None, :])
        return self._known[key]

    def run_at(self, begin: datetime, end: datetime) -> Run:
        """Return the period that holds a short time, in the modes that stand in most of it.

        Args:
            begin: of the time.
            end: of the time, in the same period.
        """
        passed_s = (begin - self._following.calendar.starts[0]).total_seconds()
        period, first_s = divmod(passed_s, PERIOD_S)
        last_s = first_s + (end - begin).total_seconds()

        def within_s(part: QuarterPart) -> float:
            return min(part.end_s, last_s) - max(part.begin_s, first_s)

        return self.run_in(int(period), max(self.parts(int(period)), key=within_s).modes)

    def parts(self, period: int) -> tuple[QuarterPart, ...]:
        """Return the stretches of a period between which cells change how they save energy."""
        return self._courses.parts(period)

    def _take(self, known: Writes, *, is_saving: bool) -> None:
        self._courses = known.saving_courses()
        if not is_saving:
            self._conditions, self._known = known.conditions(), {}


def _others(writes: Sequence[StandingWrite]) -> list[StandingWrite]:
    return [write for write in writes if write.operation.object_class != SAVING_FUNCTION]
