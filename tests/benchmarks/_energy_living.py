"""A home's town whose minutes pass, with the house's own steps at the minutes of their flows.

The minutes are those that deployments/prefect.yaml gives to the flows: what was measured arrives
ten minutes late, a plan is carried out when the next one is nearly due, and load wakes cells as
often as the deployment says. Explaining and healing are left out: waking needs neither.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from semantic_layer.periods import Window
from tasks.anomaly import steps as anomaly
from tasks.approval.deciding import Speaker
from tasks.approval.steps import approve, find_waiting, request_approvals, show_form
from tasks.curation import steps as curation
from tasks.energy.forecasting.steps import forecast_load
from tasks.energy.proposing import PLANNED_WAKING
from tasks.energy.steps import due_to_wake, plan_saving, propose_sleep
from tasks.energy.waking.sleepers import USE_CASE, sleeping
from tasks.energy.waking.steps import find_overloaded, publish_wakings
from tasks.execution.steps import apply_approved, recall, resume_interrupted, verify_applied
from tasks.guarding.steps import judge_proposals, set_autonomy
from tasks.ingestion.alarms.steps import ingest_alarms
from tasks.ingestion.steps import find_deliveries, ingest_measurement_files
from tasks.twin.layout import Cell
from tasks.twin.live_network import LiveNetwork
from tasks.twin.sleep_modes import SavingMode
from tasks.wiring import services

MINUTE, QUARTER = timedelta(minutes=1), timedelta(minutes=15)

_DEPLOYED = Path(__file__).parents[2] / "deployments" / "prefect.yaml"
_FLOWS = (
    "operate_network", "save_energy", "verify_changes", "apply_approved_changes", "wake_cells"
)  # fmt: skip
_PERSON = Speaker("anna", "command")
_LEVEL = 3


@dataclass(frozen=True)
class Waking:
    """One look at load that took changes back.

    Attributes:
        at: time of the network.
        cells: that were woken, and the mode that each was in.
        reasons: by cell that was asked for; others wake with it, for a change is taken back whole.
    """

    at: datetime
    cells: Mapping[str, SavingMode]
    reasons: Mapping[str, str]


@dataclass
class LivingTown:
    """A town in which one minute after the other passes.

    Attributes:
        network: whose time it is.
        minutes: of the hour, by flow, at which it runs.
        wakings: by load, oldest first.
        planned: cells that a plan woke.
        seconds: by flow, how long its runs took here.
    """

    network: LiveNetwork
    minutes: Mapping[str, frozenset[int]]
    wakings: list[Waking] = field(default_factory=list)
    planned: int = 0
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def until(self, end: datetime) -> None:
        """Let minutes pass until a moment; flows that are due run when their minute has passed."""
        while self.network.now < end:
            self.network.advance(self.network.now + MINUTE)
            self.flows()

    def flows(self, names: tuple[str, ...] = ()) -> None:
        """Run the flows that are due now, or those named."""
        for name in _FLOWS:
            if name in names or (not names and self.network.now.minute in self.minutes[name]):
                began = time.perf_counter()
                _RUNS[name](self)
                self.seconds.setdefault(name, []).append(time.perf_counter() - began)

    @property
    def cells(self) -> Sequence[Cell]:
        """Of the town."""
        return self.network.following.world.radio.network.cells

    @property
    def newest(self) -> Window:
        """The newest quarter of an hour that is over."""
        now = self.network.now
        end = now - timedelta(minutes=now.minute % 15)
        return Window(end - QUARTER, end)

    def operate(self) -> None:
        """Take in what was measured, and score it."""
        window, folder = self.newest, services().settings.sample_folder / "delivered"
        ingest_measurement_files.fn(find_deliveries.fn(folder, window), window)
        ingest_alarms.fn(folder, window)
        curation.publish_cell_kpis.fn(curation.newest_snapshot.fn("pm_measurements"), window)
        anomaly.score_cells.fn(curation.newest_snapshot.fn("cell_kpis"), window)

    def save(self) -> None:
        """Plan, wake what the plan wants awake, propose the rest; a person says yes at once."""
        plan = plan_saving.fn(forecast_load.fn(self.newest), "", self.newest)
        self.planned += len(_recalled(due_to_wake.fn(plan, self.newest), PLANNED_WAKING))
        request_approvals.fn(judge_proposals.fn(propose_sleep.fn(plan, self.newest)))
        for waiting in find_waiting.fn():
            approve.fn(waiting, _PERSON, show_form.fn(waiting, 1, 1)["digest"])

    def apply(self) -> None:
        """Write what was approved."""
        resume_interrupted.fn()
        apply_approved.fn()

    def verify(self) -> None:
        """Judge what was written."""
        verify_applied.fn(self.newest)

    def wake(self) -> None:
        """Look at load, and take back what must wake."""
        found: dict[str, Any] = find_overloaded.fn()
        if not found:
            return
        reasons = {
            row["cell_dn"]: row["reason"]
            for told in found.values()
            for row in told.get("cells", ())
        }
        cells = _recalled(list(found), "Load asks for its cells.", found)
        publish_wakings.fn()
        self.wakings.append(Waking(self.network.now, cells, reasons))


_RUNS: dict[str, Callable[[LivingTown], None]] = {
    "operate_network": LivingTown.operate,
    "save_energy": LivingTown.save,
    "verify_changes": LivingTown.verify,
    "apply_approved_changes": LivingTown.apply,
    "wake_cells": LivingTown.wake,
}


def asleep() -> dict[str, SavingMode]:
    """Return the mode of each cell that sleeps by what the ledger says."""
    standing = sleeping(services().ledger.entries())
    return {cell: mode for modes in standing.values() for cell, mode in modes.items()}


def _recalled(
    proposals: list[str], reason: str, evidence: Mapping[str, Any] | None = None
) -> dict[str, SavingMode]:
    """Take changes back; return the cells that wake, and the mode that each was in."""
    standing = sleeping(services().ledger.entries())
    woken = recall.fn(proposals, reason, evidence)
    return {cell: mode for name in woken for cell, mode in standing.get(name, {}).items()}


def leave_to_policy() -> None:
    """Let policy approve savings that stay on the air, as far as it may be left to it by hand."""
    set_autonomy.fn(USE_CASE, _LEVEL, "anna", "A surge is to meet cells that sleep.")


def deployed_minutes() -> dict[str, frozenset[int]]:
    """Return the minutes of the hour at which each flow is deployed to run most often."""
    told = yaml.safe_load(_DEPLOYED.read_text("utf-8"))["deployments"]
    found: dict[str, frozenset[int]] = dict.fromkeys(_FLOWS, frozenset())
    for deployment in told:
        name = deployment["entrypoint"].partition(":")[2]
        if name in found:
            found[name] = max(found[name], _minutes_of(deployment), key=len)
    return found


def _minutes_of(deployment: Mapping[str, Any]) -> frozenset[int]:
    """Return the minutes of a deployment that runs each hour; none of one that runs daily."""
    minutes: set[int] = set()
    for schedule in deployment.get("schedules", ()):
        words = schedule["cron"].split()
        if words[1:] == ["*"] * 4:
            minutes |= {at for part in words[0].split(",") for at in _spelt_out(part)}
    return frozenset(minutes)


def _spelt_out(part: str) -> range:
    """Return the minutes of one part of a cron's first field: `10`, `2-59/5`, `*/5`, `*`."""
    span, _, every = part.partition("/")
    first, _, last = ("0", "", "59") if span == "*" else span.partition("-")
    return range(int(first), int(last or first) + 1, int(every or 1))


def quiet() -> None:
    """Let only what went wrong be told."""
    logging.disable(logging.WARNING)
