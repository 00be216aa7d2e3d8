"""A feed of load that is told in code: for tests, and for networks that feed nothing."""

from collections.abc import Iterable

from semantic_layer.periods import Window
from tasks.messages.cell_reports import CellReport, FedReports


class MemoryLoadFeed:
    """Implements `LoadFeed` on reports held in memory."""

    def __init__(self, reports: Iterable[CellReport] = ()) -> None:
        self._reports = {(one.end, one.cell_dn, one.begin): one for one in reports}

    def tell(self, report: CellReport) -> None:
        """Add a report; told of a cell and period again, it replaces the one before."""
        self._reports[report.end, report.cell_dn, report.begin] = report

    def reports(self, window: Window) -> FedReports:
        """Return what cells told of periods that end within (start, end] of a window."""
        found = (self._reports[key] for key in sorted(self._reports))
        return FedReports(tuple(one for one in found if window.start < one.end <= window.end))
