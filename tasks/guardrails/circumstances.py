"""What guardrails are told of the world: facts only, gathered by whoever judges (tasks/guarding).

A fact that is missing is no permission: the rule that needs it says what lacks.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from semantic_layer.protected import ProtectedPlaces
from tasks.messages.canonical import JsonValue
from tasks.messages.proposal_life import ProposalLife
from tasks.messages.proposals import ChangeProposal


@dataclass(frozen=True, slots=True)
class CellFacts:
    """What the inventory says of a cell.

    Attributes:
        sector: equal for the carriers of one sector, such as `S012/35`.
        community: name of the topology group that it belongs to.
        neighbor_dns: cells that its users are handed over to.
    """

    cell_dn: str
    site_id: str
    sector: str
    community: str
    neighbor_dns: frozenset[str]


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What is known of a managed object.

    Attributes:
        cell_dns: the cells that it is part of.
        live: its attributes as the network says; None where it does not exist.
        planned: its attributes as planned, as text; None where it is not planned.
    """

    object_class: str
    cell_dns: tuple[str, ...]
    live: Mapping[str, JsonValue] | None
    planned: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class OpenChange:
    """A change request that is not over; `begins` is its actual start, or else the planned one."""

    change_id: str
    dns: tuple[str, ...]
    begins: datetime | None
    ends: datetime | None


@dataclass(frozen=True, slots=True)
class PredictedCell:
    """What the twin's what-if says of a cell: shares 0 to 1, loads in % of resource blocks."""

    uncovered_share_before: float
    uncovered_share_after: float
    load_before_pct: float
    load_after_pct: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the twin's what-if says of a change set, while it acts if it interrupts service.

    Attributes:
        users_interrupted: connected users who are cut off and must find another cell.
        users_uncovered: those of them who find none.
        lacking: what could not be computed and why, a sentence; empty where all could.
        unheard_near: cells whose ground would have points that no cell on the air reaches.
    """

    cells: Mapping[str, PredictedCell]
    users_interrupted: float
    users_uncovered: float
    lacking: str = ""
    unheard_near: tuple[str, ...] = ()


SleepWhatIf = Callable[[Sequence[ChangeProposal], ChangeProposal], Prediction]
"""What would follow of a saving upon others and upon all cells that sleep already.

In what it says, shares of ground are of that which a cell serves while all are awake, and has no
coverage since cells sleep; users are those of cells that leave the air.
"""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Everything that a judgment is based on.

    Attributes:
        at: time of the network.
        cells: by DN; a cell that lacks is unknown.
        objects: facts of the objects that proposals name, by DN.
        open_changes: change requests that are not over; None where nobody knows.
        lives: other proposals on record, whatever their stage.
        predictions: by digest of the change set.
        levels: autonomy by use case, 0 to 5.
        protected: places to spare.
        frozen: why people have frozen the network; None where they have not.
        asleep: by cell that saves energy, its mode as the network says; None where nobody knows.
        troubled: by cell, which finding or alarm stands there, a sentence; None where nobody knows.
        sleep_what_if: asks the twin about savings; None where it cannot be asked.
    """

    at: datetime
    cells: Mapping[str, CellFacts]
    objects: Mapping[str, ObjectFacts]
    open_changes: tuple[OpenChange, ...] | None
    lives: tuple[ProposalLife, ...]
    predictions: Mapping[str, Prediction]
    levels: Mapping[str, int]
    protected: ProtectedPlaces
    frozen: str | None = None
    asleep: Mapping[str, str] | None = None
    troubled: Mapping[str, str] | None = None
    sleep_what_if: SleepWhatIf | None = None
    community_sizes: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        sizes: dict[str, int] = {}
        for cell in self.cells.values():
            sizes[cell.community] = sizes.get(cell.community, 0) + 1
        object.__setattr__(self, "community_sizes", sizes)

    def touched(self, proposal: ChangeProposal) -> frozenset[str]:
        """Return the cells that a proposal touches: those it names and those of its objects."""
        return frozenset(proposal.cell_dns) | self.cells_of(proposal.change_set.dns)

    def cells_of(self, dns: Iterable[str]) -> frozenset[str]:
        """Return the cells that objects are part of; an unknown object is part of none."""
        return frozenset(
            cell for dn in dns if dn in self.objects for cell in self.objects[dn].cell_dns
        )

    def around(self, cells: Iterable[str]) -> frozenset[str]:
        """Return cells with their neighbors, whichever of two names the other."""
        inner = frozenset(cells)
        outer = {other for dn in inner if dn in self.cells for other in self.cells[dn].neighbor_dns}
        naming = {dn for dn, facts in self.cells.items() if facts.neighbor_dns & inner}
        return inner | outer | naming
