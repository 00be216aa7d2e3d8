"""A row of sites with three cells each, as servers of tests hold it to tell cells to save."""

from semantic_layer.identity import parent
from tasks.messages.change_sets import ManagedObject
from tests.tasks.guarding.test_steps import SITES
from tests.tasks.guardrails.town import AWAKE, cell, saver

FUNCTION = "CESManagementFunction"
PLAIN = {name: each for name, each in AWAKE.items() if name != "energySavingMode"}
"""What a saving function tells that knows the standard alone."""


def town(tells=AWAKE, sites=SITES):
    """Return the objects of the row; without saving functions where those tell nothing."""
    found = []
    for site in range(1, sites + 1):
        element = f"SubNetwork=1,ManagedElement={site}"
        du, cu = f"{element},GNBDUFunction=1", f"{element},GNBCUCPFunction=1"
        found += [
            ManagedObject(element, "ManagedElement", {}),
            ManagedObject(du, "GNBDUFunction", {}),
            ManagedObject(cu, "GNBCUCPFunction", {}),
        ]
        for number in (1, 2, 3):
            found += _cell(site, number, du, tells)
    return found


def _cell(site, number, du, tells):
    carrier, beam = f"{du},NRSectorCarrier={number}", "CommonBeamformingFunction"
    yield ManagedObject(cell(site, number), "NRCellDU", {"administrativeState": "UNLOCKED"})
    yield ManagedObject(carrier, "NRSectorCarrier", {})
    yield ManagedObject(f"{carrier},{beam}=1", beam, {"digitalTilt": 95})
    yield ManagedObject(parent(saver(site, number)), "NRCellCU", {})
    if tells:
        yield ManagedObject(saver(site, number), FUNCTION, dict(tells))
