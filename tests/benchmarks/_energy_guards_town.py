"""A town's published facts in a night in which cells sleep as the ledger lets them.

Rows are those of a home that ran; loads of the moment are moved as the map of published facts says
when cells sleep. Ledger and network are in memory; judging, approving and writing are the steps of
the house. What is counted afterwards is worked out from the network's own objects, by lines that no
guard shares.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from data_products.lineage import Snapshot
from semantic_layer.autonomy import autonomy_rules
from semantic_layer.guardrails import guardrail_rules
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from semantic_layer.protected import protected_places
from tasks.adapters.memory_gateway import MemoryGateway
from tasks.adapters.memory_ledger import MemoryLedger
from tasks.approval.steps import request_approvals
from tasks.execution.steps import apply_approved, recall
from tasks.guarding.network_facts import TOPOLOGY, cell_facts
from tasks.guarding.steps import judge_proposals
from tasks.guardrails.circumstances import CellFacts
from tasks.guardrails.trouble import ALARMS, FINDINGS, troubled_cells
from tasks.messages.change_sets import ChangeSet, ManagedObject, Operation
from tasks.messages.ledger import EntryDraft
from tasks.messages.proposals import ChangeProposal, ExpectedEffect
from tasks.settings import Settings
from tasks.twin.sleep_modes import CONTROL, MODE, MODES, OFF_AIR, SAVE
from tasks.twin.what_if import CellLoad, PublishedMap, published_map
from tasks.twin.what_if_facts import load_columns, present_loads
from tasks.twin.what_if_layout import COLUMNS, published_cells
from tasks.twin.what_if_sleep import Sleeper, entered, sleeping_ground
from tasks.wiring import Services

QUARTER = timedelta(minutes=15)
LTE = "EUtranCellFDD"
AWAKE = {
    "cesSwitch": True,
    CONTROL: "toBeNotEnergySaving",
    "energySavingState": "isNotEnergySaving",
    MODE: "ACTIVE",
}
_OFF = {mode for mode, is_off in zip(MODES, OFF_AIR, strict=True) if is_off}
_LEVEL = 3


class Clock:
    """Tells the moment of the night."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


class NightGateway(MemoryGateway):
    """A network that tells by its state what it was told by its control."""

    def read(self, dns: Sequence[str]) -> dict[str, ManagedObject]:
        return {dn: _obeying(one) for dn, one in super().read(dns).items()}

    def read_below(self, dn: str, object_class: str) -> list[ManagedObject]:
        return [_obeying(one) for one in super().read_below(dn, object_class)]


class NightTables:
    """Published tables as they stood at the moment, with the loads that sleepers leave."""

    def __init__(self, night: "Night") -> None:
        self._night, self._home = night, night.home

    def read(
        self,
        table: str,
        window: Window | None = None,
        *,
        columns: Sequence[str] | None = None,
        snapshot_id: int | None = None,
    ) -> pl.LazyFrame:
        del snapshot_id
        if table == "cell_kpis":
            return self._night.loads_told().lazy().select(columns or pl.all())
        if table == "cell_anomalies":
            return self._night.findings().lazy().select(columns or pl.all())
        return self._home.read(table, window, columns=columns)

    def bounds(self, table: str) -> Window | None:
        return self._home.bounds(table)

    def snapshot(self, table: str) -> Snapshot:
        return self._home.snapshot(table)


@dataclass(frozen=True)
class Breaches:
    """What is beyond a limit at one moment, each as a count."""

    unheard_points: int
    coverage: int
    loads: int
    communities: int
    network: int
    protected: int
    voice: int

    def __iter__(self):
        return iter(getattr(self, name) for name in self.__slots__ or self.__dict__)


class Night(Services):
    """A night in a town; see the module.

    Args:
        home: services of a home that ran.
        folder: for what the steps write.
        moment: at which the night begins.
    """

    def __init__(self, home: Services, folder, moment: datetime) -> None:
        super().__init__(Settings(home=folder))
        self.home = home.tables
        clock = Clock(moment)
        topology = self.home.read("network_topology", columns=TOPOLOGY).collect()
        self.cells: dict[str, CellFacts] = cell_facts(topology, guardrail_rules())
        self.saver = {saving_dn(dn): dn for dn in sorted(self.cells) if "NRCellDU" in dn}
        self.ground = self._map()
        self._awake: dict[datetime, dict[str, CellLoad]] = {}
        self.__dict__ |= {
            "clock": clock,
            "network_clock": clock,
            "ledger": MemoryLedger(clock),
            "gateway": NightGateway(
                ManagedObject(dn, "CESManagementFunction", dict(AWAKE)) for dn in self.saver
            ),
            "tables": NightTables(self),
        }
        for own in autonomy_rules().use_cases:
            payload = {"from_level": own.first, "to_level": _LEVEL, "reason": "A drill.",
                       "evidence": {}}  # fmt: skip
            draft = EntryDraft("autonomy_changed", own.use_case, "drill", moment, payload)
            self.ledger.append(draft)

    def _map(self) -> PublishedMap:
        inventory = self.home.read("network_topology", columns=list(COLUMNS)).collect()
        return published_map(published_cells(inventory, {}), guardrail_rules().coverage_dbm)

    def awake_loads(self) -> dict[str, CellLoad]:
        """Return what cells carried in the newest quarter, as published: nobody slept."""
        at = self.clock.now()
        if at not in self._awake:
            window = Window(at - QUARTER, at)
            rows = self.home.read("cell_kpis", window, columns=load_columns()).collect()
            self._awake[at] = present_loads(rows, at - QUARTER)
        return self._awake[at]

    def modes(self) -> dict[str, str]:
        """Return the mode of each cell that saves energy."""
        objects = self.gateway.read(sorted(self.saver))
        return {
            self.saver[dn]: str(one.attributes[MODE])
            for dn, one in objects.items()
            if one.attributes[CONTROL] == SAVE and one.attributes[MODE] != "ACTIVE"
        }

    def loads(self) -> dict[str, CellLoad]:
        """Return what cells carry while some sleep, all moved in one step."""
        told = self.awake_loads()
        ground = sleeping_ground(self.ground, told, [])
        sleepers = [
            Sleeper(dn, mode in _OFF, -3.0 if mode == "POWER_REDUCED" else 0.0,
                    0.5 if mode == "MIMO_MUTED" else 1.0)
            for dn, mode in self.modes().items() if dn in told
        ]  # fmt: skip
        ground = entered(ground, sleepers) if sleepers else ground
        place = ground.now.cells.place
        return {
            dn: CellLoad(
                float(ground.traffic[place[dn]]),
                float(ground.load[place[dn]]),
                float(ground.users[place[dn]]),
            )
            for dn in told
            if not ground.is_off[place[dn]]
        }

    def loads_told(self) -> pl.DataFrame:
        """Return the loads as rows of `cell_kpis`; who is off the air tells of no blocks."""
        names = load_columns()[3:]
        carried, rows = self.loads(), []
        for dn in self.awake_loads():
            now = carried.get(dn, CellLoad(0.0, 0.0, 0.0))
            values = (now.traffic_mbps, now.load_pct if dn in carried else None, now.users)
            own = names[1::2] if LTE in dn else names[::2]
            rows.append(
                {"cell_dn": dn, "period_start": self.clock.now() - QUARTER, "granularity": "15min"}
                | dict(zip(own, values, strict=True))
            )
        schema = {"cell_dn": pl.String, "period_start": pl.Datetime("us", "UTC"),
                  "granularity": pl.String} | dict.fromkeys(names, pl.Float64)  # fmt: skip
        return pl.DataFrame(rows, schema=schema)

    def findings(self) -> pl.DataFrame:
        """Return the findings that went on at the moment, as if they had just been published."""
        at = self.clock.now()
        rows = self.home.read(
            "cell_anomalies", columns=[*FINDINGS, "anomaly_start", "anomaly_end"]
        ).collect()
        goes_on = (pl.col("anomaly_start") <= at) & (pl.col("anomaly_end") > at)
        return rows.with_columns(window_end=pl.lit(at), is_ongoing=goes_on)

    def troubled(self) -> dict[str, str]:
        """Return the cells at which findings or alarms stand."""
        alarms = self.home.read("alarms", columns=list(ALARMS)).collect()
        told = self.findings().select(FINDINGS)
        return troubled_cells(
            told, alarms, sorted(self.cells), self.clock.now(), guardrail_rules()
        ) or {}  # fmt: skip

    def carry_out(self, proposals: Iterable[ChangeProposal]) -> list[str]:
        """Propose, judge, approve by policy and write; return the ids of what guards allow."""
        ids = []
        for one in proposals:
            key = one.proposal_id
            payload = {"proposal": one.to_json()}
            self.ledger.append(
                EntryDraft("proposed", key, one.proposed_by, self.clock.now(), payload,
                           f"proposed:{key}")
            )  # fmt: skip
            ids.append(key)
        allowed = judge_proposals.fn(list(dict.fromkeys(ids)))
        request_approvals.fn(allowed)
        apply_approved.fn()
        return allowed

    def wake(self, names: Sequence[str]) -> None:
        """Take savings back as planned."""
        if names:
            recall.fn(list(names), "The plan wakes them.")

    def breaches(self) -> Breaches:
        """Return what is beyond a limit now."""
        rules, modes = guardrail_rules(), self.modes()
        off = {dn for dn, mode in modes.items() if mode in _OFF}
        serves = np.array([dn in self.awake_loads() for dn in self.ground.cells.place])
        on = serves & np.array([dn not in off for dn in self.ground.cells.place])
        heard = self.ground.received_dbm >= rules.coverage_dbm
        unheard = heard[:, serves].any(axis=1) & ~heard[:, on].any(axis=1)
        carried, before = self.loads(), self.awake_loads()
        sizes: dict[str, list[int]] = {}
        for dn, facts in self.cells.items():
            sizes.setdefault(facts.community, []).append(dn in off)
        spared = {
            dn for place in protected_places().places for dn, facts in self.cells.items()
            if facts.site_id in place.site_ids and place.rule == "no_interruption"
        }  # fmt: skip
        return Breaches(
            unheard_points=int(unheard.sum()),
            coverage=self._uncovered(off),
            loads=sum(
                load.load_pct > max(rules.most_saving_load_pct, before[dn].load_pct) + 0.5
                for dn, load in carried.items()
            ),
            communities=sum(
                sum(told) > rules.most_asleep_share * len(told) for told in sizes.values()
            ),
            network=int(len(off) > rules.most_network_asleep_share * len(self.cells)),
            protected=len(off & spared),
            voice=sum(LTE in dn for dn in modes),
        )

    def _uncovered(self, off: set[str]) -> int:
        """Return how many cells lost more of their ground than may be lost, by a map of its own."""
        told = self.awake_loads()
        silent = {dn for dn in self.cells if dn not in told} & self.ground.cells.place.keys()
        maps = [
            sleeping_ground(self.ground, told, [Sleeper(dn, is_off_air=True) for dn in gone]).now
            for gone in (silent, silent | off)
        ]
        lost = maps[1].open.prod(axis=1) - maps[0].open.prod(axis=1)
        weight = maps[0].chance
        share = lost @ weight / np.maximum(weight.sum(axis=0), 1e-9)
        return int((share > guardrail_rules().most_coverage_lost_share + 1e-3).sum())


def saving_dn(cell_dn: str) -> str:
    """Return the object by which a cell is told to save energy, whatever cell it is."""
    half = cell_dn.replace("GNBDUFunction", "GNBCUCPFunction").replace("NRCellDU", "NRCellCU")
    return f"{half},CESManagementFunction=1"


def sleep_writes(dn: str, mode: object = "DEEP_SLEEP", before: object = "ACTIVE"):
    """Return the two writes that put a cell to sleep."""
    name = "CESManagementFunction"
    return (
        Operation("MODIFY", dn, name, MODE, before, mode),
        Operation("MODIFY", dn, name, CONTROL, "toBeNotEnergySaving", SAVE),
    )


def saving(
    cells: Sequence[str], at: datetime, mode: object = "DEEP_SLEEP", **others
) -> ChangeProposal:
    """Return a saving of cells that says nothing wrong, but for what `others` say."""
    told = {
        "use_case": "save_energy",
        "proposed_by": "energy_agent",
        "decided_by": "solver",
        "proposed_at": at,
        "change_set": ChangeSet(
            tuple(write for dn in cells for write in sleep_writes(saving_dn(dn), mode))
        ),
        "cell_dns": tuple(cells),
        "hypothesis": "low_load",
        "probability": 0.95,
        "reason": "Load is low.",
        "risk": "low",
        "trigger_ids": (f"sleep:{at.isoformat()}",),
        "evidence": (),
        "expected": ExpectedEffect("site_power", "lower", tuple(cells), 0.01, 0.05, 1, 4),
        "alternatives": (),
        "run_id": "a drill",
    }
    return ChangeProposal(**{**told, **others})


def _obeying(one: ManagedObject) -> ManagedObject:
    saves = one.attributes.get(CONTROL) == SAVE
    state = "isEnergySaving" if saves else "isNotEnergySaving"
    return ManagedObject(one.dn, one.object_class, {**one.attributes, "energySavingState": state})


def catalogue_is_known() -> bool:
    """Return whether the catalogue has the KPI that savings are verified by."""
    return "site_power" in catalogue().kpis
