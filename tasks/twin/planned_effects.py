"""What planned changes do to a run: antennas cover otherwise, cells give more, or get restless.

A change belongs to the run with faults and to the sound one alike. Nothing here touches a
measurement.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tasks.twin.antennas import Antennas
from tasks.twin.conditions import Conditions, Patch, no_conditions
from tasks.twin.coverage import AntennaChange
from tasks.twin.planned_changes import PlannedChange
from tasks.twin.traffic import wander
from tasks.twin.world import World

_RESTLESS = 0.15
_RESTLESS_PERSISTENCE = 0.5


def unplanned_conditions(world: World, periods: int | None = None) -> Conditions:
    """Return the conditions of a network without a fault, and without any change."""
    network = world.radio.network
    return no_conditions(
        world.periods if periods is None else periods,
        len(network.cells),
        len(network.sites),
        network.areas,
        len(world.routes.optical),
    )


def with_changes(world: World, changes: Sequence[PlannedChange], last: int | None = None) -> World:
    """Return the world in which these changes are carried out.

    Args:
        world: a whole run's, or the end of one; changes count from the run's first period.
        changes: what people plan.
        last: the period after the world's last one, as changes count; its own number by default.
    """
    antennas = world.antennas.unchanged()
    found = unplanned_conditions(world, last)
    patches: list[Patch] = []
    for change in changes:
        if change.is_cancelled:
            continue
        for stage in change.stages():
            patches += _carry_out(found, antennas, change, stage)
        if change.course == "variance":
            _make_restless(found, change)
    whole = replace(found, patches=tuple(patches))
    planned = whole if last is None else whole.between(last - world.periods, last)
    return replace(world, planned=planned, antennas=antennas)


def _carry_out(
    found: Conditions, antennas: Antennas, change: PlannedChange, stage: tuple[int, int, float]
) -> list[Patch]:
    """Write a stage of a change into `found`, or return the patches that it makes."""
    first, last, size = stage
    if change.kind == "capacity_change" and change.course in ("level", "ramp"):
        found.rate_factor[first:last, list(change.cells)] *= np.float32(1.0 + size)
    made: list[Patch] = []
    # Antennas that are moved by next to nothing cover what they covered.
    for cell in change.cells if change.course in ("level", "ramp") else ():
        if change.kind == "tilt_change":
            made += antennas.change(first, last, AntennaChange(cell, tilt_change_deg=size))
        elif change.kind == "power_change":
            made += antennas.change(first, last, AntennaChange(cell, loss_db=-size))
    return made


def _make_restless(found: Conditions, change: PlannedChange) -> None:
    """Let what cells give scatter more, around the same mean."""
    length = change.last - change.first
    for cell in change.cells:
        rng = np.random.default_rng([change.first, cell])
        noise = wander(rng, (length, 1), _RESTLESS_PERSISTENCE)[:, 0]
        swings = np.exp(_RESTLESS * noise - _RESTLESS**2 / 2.0)
        found.rate_factor[change.first : change.last, cell] *= swings.astype(np.float32)
