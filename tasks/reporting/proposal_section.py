"""Changes that agents proposed, as a page tells them: what waits, what was refused, what was done.

Reasons quote what others wrote; they are shown as text and never obeyed. How many people approved
is told, not who: a page is read by more people than may know them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from semantic_layer.periods import Window
from tasks.reporting.kpi_sources import KpiSources
from tasks.reporting.reading import PublishedTables
from tasks.reporting.wording import cell_label, chance, clipped, count, listed, moment, number

PROPOSALS = "change_proposals"
OUTCOMES = "change_outcomes"
HOW_TO_LOOK = "`anops approvals list` shows what waits, `anops decisions list` all there ever was."
_SHOWN = 20
_WRITES = 6
_SOLVER = "solver"
_UNDER_WAY = ("APPROVED", "EXECUTING", "APPLIED")
_DONE = ("KEPT", "UNDONE", "ROLLED_BACK", "RECALLED")
_STAGE_WORDS = {
    "PROPOSED": "not judged yet",
    "WAITING": "waits for a person",
    "APPROVED": "approved, not begun",
    "EXECUTING": "being written",
    "APPLIED": "written, effect not measured yet",
    "KEPT": "stands",
    "UNDONE": "taken back, found worse",
    "RECALLED": "taken back as planned",
    "ROLLED_BACK": "rolled back, could not be written whole",
}
_KIND_WORDS = {"CREATE": "object made", "DELETE": "object removed"}


@dataclass(frozen=True, slots=True)
class WriteRow:
    """One write: what of which object becomes what."""

    object_dn: str
    what: str
    before: str
    after: str

    @property
    def text(self) -> str:
        """All of it in a line."""
        return f"{self.object_dn}: {self.what}, {self.before} becomes {self.after}"


@dataclass(frozen=True, slots=True)
class ProposalRow:
    """One proposed change as it stands.

    Attributes:
        writes: the first of them; `writes_count` counts all.
        needs_text: how many people must approve, and how many have.
        expires_text: until when; empty where nobody is asked.
        breaches: why guardrails refused it, a sentence each.
        stage_text: how far it has come.
        effect_text: what was measured; empty before it was.
    """

    proposal_id: str
    use_case: str
    cell: str
    cell_dn: str
    writes: tuple[WriteRow, ...]
    writes_count: int
    reason: str
    hypothesis: str
    probability_text: str
    risk: str
    decided_by_text: str
    needs_text: str
    expires_text: str
    breaches: tuple[str, ...]
    stage_text: str
    effect_text: str

    @property
    def command(self) -> str:
        """What shows all of it."""
        return f"anops approvals show {self.proposal_id}"


@dataclass(frozen=True, slots=True)
class ProposalSection:
    """Proposed changes: those that stand open, and those that ended since the window began.

    Attributes:
        waiting, refused, done: the first rows of each; `counts` has how many there are.
        counts: how many proposals, by `waiting`, `refused`, `under way`, `done`, and what people
            turned down or let expire.
        autonomy: use cases with the level at which guards last judged them.
    """

    waiting: tuple[ProposalRow, ...] = ()
    refused: tuple[ProposalRow, ...] = ()
    done: tuple[ProposalRow, ...] = ()
    counts: tuple[tuple[str, int], ...] = ()
    autonomy: tuple[tuple[str, int], ...] = ()

    @property
    def many(self) -> int:
        """How many proposals are told."""
        return sum(many for _, many in self.counts)

    def counted(self, name: str) -> int:
        """Return how many proposals there are of one of `counts`."""
        return dict(self.counts).get(name, 0)

    @property
    def sentence(self) -> str:
        """How many wait, were refused and were done; or that nothing is proposed."""
        if not self.many:
            return f"Nothing is proposed. {HOW_TO_LOOK}"
        told = [f"{many:,} {name}" for name, many in self.counts if many]
        return (
            f"{count(self.many, 'change')} proposed by agents: {listed(told, 9)}. "
            "Nothing is written to the network before guardrails allow it and whoever must "
            "approve has."
        )

    @property
    def autonomy_sentence(self) -> str:
        """How much is left to the system; empty where nothing was judged."""
        told = [f"{name} L{level}" for name, level in self.autonomy]
        return f"Autonomy when last judged: {listed(told, 12)}." if told else ""


def proposal_section(
    proposals: pl.DataFrame,
    outcomes: pl.DataFrame,
    window: Window,
    sites: Mapping[str, str],
    sources: KpiSources,
) -> ProposalSection:
    """Return the section: all that is open, and what ended or was refused since a window began.

    Args:
        proposals: rows of `change_proposals`.
        outcomes: rows of `change_outcomes`; effects of changes that have none are left out.
        window: of the report.
        sites: the site's name of each cell.
        sources: definitions of KPIs.
    """
    effects = {row["proposal_id"]: row for row in outcomes.iter_rows(named=True)}
    newest = proposals.sort("changed_at", "proposal_id", descending=[True, False])
    is_new = pl.col("changed_at") >= window.start
    stage = pl.col("stage")
    waiting = newest.filter(stage == "WAITING").sort("expires_at", "proposal_id")
    refused = newest.filter(is_new, stage == "REFUSED")
    under_way = newest.filter(stage.is_in(_UNDER_WAY))
    done = newest.filter(is_new, stage.is_in(_DONE))
    turned_down = newest.filter(is_new, stage.is_in(("REJECTED", "EXPIRED", "WITHDRAWN")))

    def rows(chosen: pl.DataFrame) -> tuple[ProposalRow, ...]:
        found = chosen.head(_SHOWN).iter_rows(named=True)
        return tuple(_row(row, effects.get(row["proposal_id"]), sites, sources) for row in found)

    return ProposalSection(
        waiting=rows(waiting),
        refused=rows(refused),
        done=rows(pl.concat([under_way, done])),
        counts=(
            ("waiting", waiting.height),
            ("not judged yet", newest.filter(stage == "PROPOSED").height),
            ("refused by guardrails", refused.height),
            ("under way", under_way.height),
            ("done", done.height),
            ("turned down or expired", turned_down.height),
        ),
        autonomy=_autonomy(newest),
    )


def proposals_of(
    published: PublishedTables, window: Window, sites: Mapping[str, str], sources: KpiSources
) -> ProposalSection:
    """Return the proposed changes to tell with a window; an empty section where there are none."""
    found, ended = published.read(PROPOSALS, None), published.read(OUTCOMES, None)
    if found is None:
        return ProposalSection()
    outcomes = pl.DataFrame(schema={"proposal_id": pl.String}) if ended is None else ended.collect()
    return proposal_section(found.collect(), outcomes, window, sites, sources)


def _row(
    row: Mapping[str, Any],
    outcome: Mapping[str, Any] | None,
    sites: Mapping[str, str],
    sources: KpiSources,
) -> ProposalRow:
    cells = row["cell_dns"] or [""]
    operations = [json.loads(one) for one in row["operations"] or []]
    cell = cell_label(str(cells[0]), sites.get(cells[0]))
    return ProposalRow(
        proposal_id=clipped(row["proposal_id"], 40),
        use_case=_words(row["use_case"]),
        cell=f"{cell} and {len(cells) - 1} more" if len(cells) > 1 else cell,
        cell_dn=clipped(cells[0], 200),
        writes=tuple(_write(one) for one in operations[:_WRITES]),
        writes_count=len(operations),
        reason=clipped(row["reason"], 400),
        hypothesis=_words(row["hypothesis"]),
        probability_text=chance(row["probability"]),
        risk=clipped(row["risk"], 20),
        decided_by_text=_by_whom(str(row["decided_by"])),
        needs_text=_needs(row["persons_needed"], row["approvals"] or []),
        expires_text=moment(row["expires_at"]) if row["expires_at"] else "",
        breaches=tuple(clipped(one, 300) for one in row["breaches"] or []),
        stage_text=_STAGE_WORDS.get(row["stage"], _words(row["stage"]).lower()),
        effect_text=_effect(outcome, sources) if outcome else _word(row["effect"]),
    )


def _write(operation: Mapping[str, Any]) -> WriteRow:
    kind = str(operation.get("kind"))
    return WriteRow(
        object_dn=clipped(operation.get("dn"), 240),
        what=_KIND_WORDS.get(kind) or clipped(operation.get("attribute"), 80),
        before=_value(operation.get("before")),
        after=_value(operation.get("after")),
    )


def _value(value: object) -> str:
    """Return a value of an attribute, or the attributes of an object, as one reads them."""
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return clipped(", ".join(f"{name} {_value(one)}" for name, one in value.items()), 300)
    if isinstance(value, bool):
        return "true" if value else "false"
    return clipped(value, 200)


def _needs(persons: int | None, approvals: Sequence[str]) -> str:
    if persons is None:
        return "not judged yet"
    given = sum(not name.startswith("policy:") for name in approvals)
    asked = "1 person" if persons == 1 else f"{persons} persons" if persons else "nobody"
    return f"{asked}, {given} said yes" if given else asked


def _effect(outcome: Mapping[str, Any], sources: KpiSources) -> str:
    """Return what was measured: the KPI before and after, and the gain against control cells."""
    if outcome["effect"] is None or outcome["gain_share"] is None:
        return clipped(outcome["reason"], 200)
    kpi = sources.find(str(outcome["kpi"]))
    before, after, expected = (
        number(outcome[name], kpi.unit) for name in ("kpi_before", "kpi_after", "kpi_expected")
    )
    span = f"{_signed(outcome['gain_low_share'])} to {_signed(outcome['gain_high_share'])}"
    return (
        f"{_word(outcome['effect'])}: {clipped(kpi.title, 60)} {before} before, {after} after, "
        f"{expected} expected without the change; "
        f"{_signed(outcome['gain_share'])} ({span}) against "
        f"{count(outcome['controls_count'] or 0, 'control cell')}"
    )


def _signed(share: float | None) -> str:
    return "?" if share is None else f"{100 * share:+.1f} %"


def _autonomy(newest: pl.DataFrame) -> tuple[tuple[str, int], ...]:
    judged = newest.filter(pl.col("autonomy_level").is_not_null())
    once = judged.unique("use_case", keep="first", maintain_order=True).sort("use_case")
    return tuple(
        (_words(name), int(level))
        for name, level in once.select("use_case", "autonomy_level").iter_rows()
    )


def _by_whom(decided_by: str) -> str:
    return "chosen by code" if decided_by == _SOLVER else f"chosen by {clipped(decided_by, 60)}"


def _word(effect: object) -> str:
    return _words(effect) if effect else ""


def _words(name: object) -> str:
    return clipped(name, 60).replace("_", " ")
