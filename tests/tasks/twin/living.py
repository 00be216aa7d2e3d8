"""Words of stories about a village that lives on."""

import hashlib
import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl

from tasks.adapters.sample_gateway import SampleGateway
from tasks.messages.change_sets import Operation
from tasks.twin.configuration_objects import saving_dn
from tasks.twin.following_truth import standing_faults
from tasks.twin.minute_stream import MINUTE, stream_folder
from tasks.twin.scenario import NETWORKS
from tasks.twin.sleep_modes import CONTROL, DO_NOT_SAVE, MODE, SAVE
from tasks.twin.true_scene import state_effect

QUARTER = timedelta(minutes=15)
NIGHT = timedelta(days=3, hours=2)
"""After the run: an hour at which cells may sleep."""

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


def tell(network, cell, mode, *, is_back=False):
    """Write a cell into a mode of energy saving, or back from it."""
    dn = saving_dn(cell)
    told = [modified(dn, MODE, "ACTIVE", mode), modified(dn, CONTROL, DO_NOT_SAVE, SAVE)]
    for operation in [one.inverse() for one in reversed(told)] if is_back else told:
        SampleGateway(network.folder).write(operation)


def minutes(network, number):
    """Let minutes pass, of which only the stream is delivered."""
    network.advance(network.now + number * MINUTE, has_files=False)


def told_by(network, cell):
    """Return the share of blocks that a cell streamed, by the end of the minute."""
    found = {}
    for path in sorted(stream_folder(network.folder).glob("*.json")):
        for event in json.loads(path.read_text())["eventList"]:
            collection = event["perf3gppFields"]["measDataCollection"]
            for info in collection["measInfoList"]:
                types = info["measTypes"]["sMeasTypesList"]
                for one in info["measValuesList"]:
                    if f"{collection['measuredEntityDn']},{one['measObjInstId']}" == cell.dn:
                        values = {types[it["p"] - 1]: float(it["sValue"])
                                  for it in one["measResults"]}  # fmt: skip
                        found[path.stem] = values["RRU.PrbUsedDl"] / values["RRU.PrbAvailDl"]
    return found


def names(begin, *numbers):
    """Return the names of streamed minutes by when they end."""
    return [f"{begin + number * MINUTE:%Y-%m-%dT%H%MZ}" for number in numbers]
