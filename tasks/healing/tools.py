"""What a healing agent may look at: one cell's shifts, its departures from plan, its state.

All three only read. They answer from what a step has gathered for all cells of a run at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field

from tasks.agents.tools import Tool, ToolDefinition, ToolFailedError, ToolResult
from tasks.healing.departures import Departure
from tasks.healing.shifts import Shift
from tasks.messages.canonical import JsonValue

HEALING_AGENT = "healing_agent"

Row = Mapping[str, JsonValue]


@dataclass(frozen=True)
class CellFacts:
    """What was gathered about cells, for all sessions of one run.

    Attributes:
        shifts: by cell.
        departures: of all cells.
        site_of: site by cell.
        states: by cell, its administrative state, standing alarms and recent changes.
        outcomes: by use case, how many repairs were kept, of no effect, and undone.
        sources: snapshots that the facts came from.
        window: that the facts are of, for errors.
    """

    shifts: Mapping[str, Sequence[Shift]]
    departures: Sequence[Departure]
    site_of: Mapping[str, str]
    states: Mapping[str, Row]
    outcomes: Mapping[str, Row] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    window: str = ""


class CellArguments(BaseModel):
    """One cell."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cell_dn: str = Field(min_length=3, max_length=400)


class UseCaseArguments(BaseModel):
    """One use case."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    use_case: str = Field(pattern=r"^[a-z_]{3,60}$")


class _Looks:
    """The tools' functions, over the facts of one run."""

    def __init__(self, facts: CellFacts) -> None:
        self._facts = facts

    def measure_shifts(self, asked: CellArguments) -> ToolResult:
        """A cell's KPIs beside its own past and its peers."""
        found = self._facts.shifts.get(asked.cell_dn)
        if not found:
            raise ToolFailedError(
                f"No KPI of {asked.cell_dn} can be compared with its past in "
                f"{self._facts.window}: the cell reported nothing, or has no history of the same "
                "hours."
            )
        largest = max(found, key=lambda shift: abs(shift.scatters))
        says = f"{largest.kpi} moved most, by {largest.scatters:.1f} scatters."
        return ToolResult(tuple(shift.to_row() for shift in found), says, self._facts.sources)

    def compare_site(self, asked: CellArguments) -> ToolResult:
        """KPIs of the other cells at a cell's site beside their past."""
        facts = self._facts
        site = facts.site_of.get(asked.cell_dn)
        if site is None:
            raise ToolFailedError(f"The inventory does not know the site of {asked.cell_dn}.")
        others = sorted(
            cell for cell, where in facts.site_of.items() if where == site and cell in facts.shifts
        )
        rows = [
            {"cell_dn": cell, **shift.to_row()}
            for cell in others
            if cell != asked.cell_dn
            for shift in facts.shifts[cell]
        ]
        return ToolResult(tuple(rows), f"KPIs of the other cells at {site}.", facts.sources)

    def read_departures(self, asked: CellArguments) -> ToolResult:
        """Where a cell's tilt and neighbor relations are not as planned."""
        departed = self._facts.departures
        rows = tuple(one.to_row() for one in departed if one.cell_dn == asked.cell_dn)
        says = f"{len(rows)} departures from plan in tilt and neighbor relations."
        return ToolResult(rows, says, self._facts.sources)

    def read_cell_state(self, asked: CellArguments) -> ToolResult:
        """A cell's administrative state, standing alarms and changes of late."""
        state = self._facts.states.get(asked.cell_dn)
        if state is None:
            raise ToolFailedError(f"The network has no cell {asked.cell_dn}.")
        return ToolResult((state,), "State, alarms and changes of a cell.", self._facts.sources)

    def read_outcomes(self, asked: UseCaseArguments) -> ToolResult:
        """How earlier repairs of a use case came out."""
        none: Row = {"kept_count": 0, "without_effect_count": 0, "undone_count": 0}
        row = {"use_case": asked.use_case, **self._facts.outcomes.get(asked.use_case, none)}
        return ToolResult((row,), "Outcomes of earlier repairs.", ("ledger",))


def healing_tools(facts: CellFacts) -> dict[str, Tool]:
    """Return the tools by name; each is described by its function's first line."""
    looks, live = _Looks(facts), "live configuration"
    told: tuple[tuple[Callable[..., ToolResult], type[BaseModel], tuple[str, ...]], ...] = (
        (looks.measure_shifts, CellArguments, ("cell_kpis",)),
        (looks.compare_site, CellArguments, ("cell_kpis", "network_topology")),
        (looks.read_departures, CellArguments, ("network_configuration.planned", live)),
        (looks.read_cell_state, CellArguments, (live, "alarms", "change_history")),
        (looks.read_outcomes, UseCaseArguments, ("ledger",)),
    )
    return {
        function.__name__: Tool(
            ToolDefinition(
                name=function.__name__,
                description=str(function.__doc__),
                risk="read",
                callers=(HEALING_AGENT,),
                reaches=reaches,
                most_rows=400,
                most_chars=40_000,
            ),
            arguments,
            function,
        )
        for function, arguments, reaches in told
    }
