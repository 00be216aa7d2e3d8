"""What cells tell of themselves within minutes, ahead of the counters of a quarter of an hour."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class CellReport:
    """What one cell told of one short period.

    Attributes:
        cell_dn: which cell.
        begin: of the period, UTC.
        end: of the period, UTC.
        load: share of downlink resource blocks in use, 0 to 1.
        user_mbps: mean downlink throughput of its users; None where it told none.
    """

    cell_dn: str
    begin: datetime
    end: datetime
    load: float
    user_mbps: float | None = None


@dataclass(frozen=True, slots=True)
class FedReports:
    """What a feed holds of some time.

    Attributes:
        reports: each cell and period once, by end and cell.
        refused: a sentence for each part that cannot be read: where, what, what would help.
    """

    reports: tuple[CellReport, ...] = ()
    refused: tuple[str, ...] = ()
