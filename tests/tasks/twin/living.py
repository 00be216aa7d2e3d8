"""Words of stories about a village that lives on."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl

from tasks.messages.change_sets import Operation
from tasks.twin.following_truth import standing_faults
from tasks.twin.scenario import NETWORKS
from tasks.twin.true_scene import state_effect

QUARTER = timedelta(minutes=15)
CHOSEN = replace(NETWORKS["village"], seed=7)
SETUPS = "rrc_conn_estab_att_count"


def fault_of(network, kind, *, is_gradual=False):
    """Return the first fault of a kind that begins in the following days and can be seen."""
    following = network.following
    begins = following.calendar.starts
    fault = next(
        one for one in following.faults
        if one.kind == kind and one.fault_id in network.visible
        and (one.ramp > 0) == is_gradual and begins[one.first] > following.chosen.end
    )  # fmt: skip
    return fault, following.calendar.starts[fault.first]


def counted(network, periods, cell_dn):
    """Return the rows of a cell in the next periods."""
    rows = [part.nr_cells for part in network.passing(network.now + periods * QUARTER)]
    return pl.concat(rows).filter(managed_object_dn=cell_dn)


def cell_of(network, index):
    return network.following.world.radio.network.cells[index]


def passed(network):
    """Let a period pass, and return it."""
    return next(network.runs(network.now + QUARTER))


def most_moved(network, periods=1):
    """Return by cell how far it is from its sound state at most in the next periods."""
    runs = network.runs(network.now + periods * QUARTER)
    return np.max([state_effect(run.state, network.sound(run))[0] for run in runs], axis=0)


def standing(network):
    return set(standing_faults(network.faults(), network.now)["fault_id"])


def modified(dn, attribute, before, after):
    object_class = dn.rpartition(",")[2].partition("=")[0]
    return Operation("MODIFY", dn, object_class, attribute, before, after)


def lock(cell):
    return modified(cell.dn, "administrativeState", "UNLOCKED", "LOCKED")


def value(gateway, place):
    return gateway.read([place[0]])[place[0]].attributes[place[1]]


def digests(folder):
    """Return what every file of a folder holds, but for locks."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }
