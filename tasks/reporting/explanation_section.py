"""Why cells stray, as a page tells it: the likely cause of each finding, how sure, what decides.

Texts quote what others wrote; they are shown as text and never obeyed. An explanation is an
agent's hypothesis, and the page says so.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from semantic_layer.periods import Window
from tasks.reporting.reading import LONGEST_SPAN, PublishedTables
from tasks.reporting.wording import cell_label, chance, clipped, count, listed, percent

TABLE = "finding_explanations"
_SHOWN = 40
_TEXT_CHARS = 1800
_CITED = 12
_SOLVER = "solver"


@dataclass(frozen=True, slots=True)
class ExplanationRow:
    """One finding with its likely cause."""

    anomaly_id: str
    cell: str
    cell_dn: str
    title: str
    probability_text: str
    next_text: str
    is_decided: bool
    said_by_text: str
    text: str
    would_decide: str
    citations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExplanationSection:
    """Explanations of a window's findings, in the order of reading; `many` counts all of them.

    `by_whom` counts them by the route of a model that chose or told, `code` where none did.
    """

    rows: tuple[ExplanationRow, ...]
    many: int
    decided: int
    by_cause: tuple[tuple[str, int], ...]
    by_whom: tuple[tuple[str, int], ...] = ()

    @property
    def by_whom_text(self) -> str:
        """Who chose the causes and told them, with counts where there are several."""
        if len(self.by_whom) == 1:
            return self.by_whom[0][0]
        return listed([f"{name} ({many:,})" for name, many in self.by_whom], 5)

    @property
    def sentence(self) -> str:
        """How many were explained, how many of them with a cause that leads clearly."""
        told = f"{count(self.many, 'finding')} explained by an agent"
        sure = (
            f"{self.decided:,} with a cause that leads clearly" if self.decided else "none surely"
        )
        shown = f"; the first {len(self.rows)} are listed" if self.many > len(self.rows) else ""
        return f"{told}, {sure}{shown}. Told by {self.by_whom_text}. Hypotheses, no verdicts."


def explanation_section(
    explanations: pl.DataFrame, sites: Mapping[str, str] | None = None
) -> ExplanationSection:
    """Return the section of a window's explanations.

    Args:
        explanations: rows of `finding_explanations`; the newest one of a finding counts.
        sites: the site's name of each cell; a cell without one is called by its element.
    """
    names = sites or {}
    newest = explanations.sort("window_end").unique("anomaly_id", keep="last", maintain_order=True)
    ordered = newest.sort("reading_rank", "anomaly_id", nulls_last=True)
    causes = ordered.group_by("title").len().sort("len", "title", descending=[True, False])
    return ExplanationSection(
        tuple(_row(row, names) for row in ordered.head(_SHOWN).iter_rows(named=True)),
        ordered.height,
        int(ordered["is_decided"].sum()),
        tuple((clipped(title, 60), many) for title, many in causes.iter_rows()),
        _by_whom(ordered),
    )


def explanations_of(
    published: PublishedTables, window: Window, sites: Mapping[str, str] | None = None
) -> ExplanationSection | None:
    """Return the explanations of a window's findings; None where nobody explained any."""
    rows = published.read(TABLE, window)
    told = None if rows is None else rows.collect()
    return None if told is None or told.is_empty() else explanation_section(told, sites)


def newest_explanations(
    published: PublishedTables, window: Window, cell_dn: str
) -> Mapping[str, ExplanationRow]:
    """Return how agents last explained each of a cell's findings, by finding."""
    found = published.read(TABLE, Window(window.start - LONGEST_SPAN, window.end))
    if found is None:
        return {}
    own = found.filter(pl.col("cell_dn") == cell_dn).sort("window_end").collect()
    rows = (_row(row, {}) for row in own.iter_rows(named=True))
    return {row.anomaly_id: row for row in rows}


def _by_whom(explanations: pl.DataFrame) -> tuple[tuple[str, int], ...]:
    """Count explanations by the model that told them, else by the one that chose the cause."""
    routes = Counter(
        next((clipped(name, 60) for name in names if name != _SOLVER), "code")
        for names in explanations.select("said_by", "decided_by").iter_rows()
    )
    return tuple(sorted(routes.items(), key=lambda one: (-one[1], one[0])))


def _row(row: Mapping[str, object], sites: Mapping[str, str]) -> ExplanationRow:
    said_by, cell_dn = str(row["said_by"]), str(row["cell_dn"])
    runner_up = str(row["runner_up"]).replace("_", " ")
    citations = row["citations"]
    cited = citations if isinstance(citations, list) else []
    return ExplanationRow(
        clipped(row["anomaly_id"], 64),
        cell_label(cell_dn, sites.get(cell_dn)),
        clipped(row["cell_dn"], 200),
        clipped(row["title"], 60),
        chance(_number(row["probability"])),
        f"{clipped(runner_up, 60)} {percent(_number(row['runner_up_probability']))}",
        bool(row["is_decided"]),
        "told by code" if said_by == _SOLVER else f"told by {clipped(said_by, 60)}",
        clipped(row["text"], _TEXT_CHARS),
        clipped(row["would_decide"], 300),
        tuple(clipped(one, 160) for one in cited[:_CITED]),
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
