"""What tools are called with: names of objects that parse, moments with a zone, bounded lengths."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from semantic_layer.errors import InputError
from semantic_layer.identity import cell_dn_of, normalized_dn


def _dn(text: str) -> str:
    try:
        return normalized_dn(text)
    except InputError as error:
        raise ValueError(str(error)) from error


def _cell(text: str) -> str:
    found = cell_dn_of(_dn(text))
    if found is None:
        raise ValueError(
            f"{text!r} names no cell; a cell's DN ends in NRCellDU=, EUtranCellFDD= or "
            "EUtranCellTDD=."
        )
    return found


ObjectDn = Annotated[str, Field(max_length=400), AfterValidator(_dn)]
CellDn = Annotated[str, Field(max_length=400), AfterValidator(_cell)]
DefinedName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,80}$")]
Words = Annotated[str, Field(min_length=2, max_length=400)]


class Arguments(BaseModel):
    """Arguments of a tool; what is not named here is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class OfFinding(Arguments):
    """A finding.

    Attributes:
        anomaly_id: its id in cell_anomalies.
    """

    anomaly_id: str = Field(pattern=r"^[\w.:-]{1,64}$")


class OfCell(Arguments):
    """A cell.

    Attributes:
        cell_dn: distinguished name.
    """

    cell_dn: CellDn


class OfCellAndTime(OfCell):
    """A cell and a time; None takes that of the run's window.

    Attributes:
        since, until: half-open, with their zone.
    """

    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class OfCellConfiguration(OfCell):
    """How a cell is configured.

    Attributes:
        is_live: the network itself is asked too, beside the plan.
    """

    is_live: bool = True


class OfCellKpis(OfCellAndTime):
    """KPIs of a cell.

    Attributes:
        kpis: names in the semantic layer.
        granularity: of the rows.
    """

    kpis: tuple[DefinedName, ...] = Field(min_length=1, max_length=12)
    granularity: str = Field("hour", pattern="^(15min|hour|day)$")


class OfName(Arguments):
    """A definition of the semantic layer.

    Attributes:
        name: of a KPI or an alarm.
    """

    name: DefinedName


class OfWords(Arguments):
    """A search.

    Attributes:
        query: a few words.
        limit: most passages.
        object_class: passages that name classes must name this one.
        kind: only documents of this kind, such as `runbook`.
    """

    query: Words
    limit: int = Field(4, ge=1, le=8)
    object_class: str | None = Field(None, pattern=r"^[A-Za-z0-9]{1,60}$")
    kind: str | None = Field(None, pattern=r"^[a-z_]{1,40}$")


class OfChange(Arguments):
    """A change to be simulated.

    Attributes:
        operations: as `ChangeSet.to_json` tells them.
    """

    operations: tuple[dict[str, object], ...] = Field(min_length=1, max_length=40)


def span(
    since: datetime | None, until: datetime | None, otherwise: tuple[datetime, datetime]
) -> tuple[datetime, datetime]:
    """Return the time that is meant, never empty."""
    begin, end = since or otherwise[0], until or otherwise[1]
    return begin, max(begin, end)
