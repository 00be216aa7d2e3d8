"""What a trial found, as Markdown that reads well in a terminal, and as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tasks.trials.attempts import tallies
from tasks.trials.results import (
    ALL,
    Comparison,
    Figures,
    Series,
    calm_share,
    comparisons,
    figures,
    silent_shares,
)
from tasks.trials.statistics import Estimate

_MOST_LISTED = 40
_SAID_CHARS = 110


@dataclass(frozen=True, slots=True)
class TrialReport:
    """What stands in a report.

    Attributes:
        title: what was tried.
        series: routes first, then what works without a model.
        routes: how many of the series are routes.
    """

    title: str
    series: tuple[Series, ...]
    routes: int

    @property
    def compared(self) -> list[Comparison]:
        """Return each route beside every series after it."""
        return [
            found
            for number, one in enumerate(self.series[: self.routes])
            for other in self.series[number + 1 :]
            for found in comparisons(one, other)
        ]


def report_markdown(report: TrialReport) -> str:
    """Return the whole report."""
    told = [(one.name, figures(one)) for one in report.series]
    parts = [f"# {report.title}", _reading(told), _table(*_shares(told))]
    asked = told[: report.routes]
    if asked:
        parts += ["## What it took", _table(*_costs(asked))]
        parts += _silence(asked)
        parts += [*_without_answer(report.series), *_hostile(report.series)]
        parts += ["## Is the difference more than chance?", *_told(report.compared)]
        parts += [part for one in report.series[: report.routes] for part in _never_right(one)]
    return "\n\n".join(parts) + "\n"


def report_json(report: TrialReport) -> dict[str, Any]:
    """Return the figures as JSON values."""
    return {
        "title": report.title,
        "series": [
            {"name": one.name, "figures": [asdict(line) for line in figures(one)]}
            for one in report.series
        ],
        "comparisons": [asdict(one) for one in report.compared],
    }


def _reading(told: Sequence[tuple[str, Sequence[Figures]]]) -> str:
    k = max(line.k for _, lines in told for line in lines)
    of_k = f"; pass^{k} is the chance that {k} attempts at a case are all right" if k > 1 else ""
    return (
        f"pass^1 is the mean share of attempts that were right{of_k}. In brackets: 95 % interval, "
        "by resampling cases. What works without a model always answers the same. Attempts "
        "without a route count as wrong."
    )


def _shares(
    told: Sequence[tuple[str, Sequence[Figures]]],
) -> tuple[list[str], list[list[str]]]:
    head = ["kind", "cases"]
    for name, lines in told:
        head.append(f"{name} pass^1")
        if lines[0].k > 1:
            head.append(f"{name} pass^{lines[0].k}")
    rows = []
    for number, line in enumerate(told[0][1]):
        row = [line.kind, str(line.cases)]
        for _, lines in told:
            row.append(_share(lines[number].pass_1))
            if lines[0].k > 1:
                row.append(_share(lines[number].pass_k))
        rows.append(row)
    return head, rows


def _costs(told: Sequence[tuple[str, Sequence[Figures]]]) -> tuple[list[str], list[list[str]]]:
    head = [
        "route", "kind", "attempts", "median s", "95 % s", "tokens in", "tokens out", "US $",
        "answers rejected", "no route", "over budget", "obeyed",
    ]  # fmt: skip
    rows = [
        [
            name,
            line.kind,
            str(line.asked),
            f"{line.median_s:.1f}",
            f"{line.p95_s:.1f}",
            str(line.prompt_tokens),
            str(line.completion_tokens),
            f"{line.cost_usd:.4f}" if line.is_priced else f"{line.cost_usd:.4f}+?",
            str(line.rejected_count),
            str(line.outcomes.get("no_route", 0)),
            str(line.outcomes.get("over_budget", 0)),
            str(line.obedient_count) if line.kind in ("hostile", ALL) else "",
        ]
        for name, lines in told
        for line in lines
    ]
    return head, rows


def _silence(told: Sequence[tuple[str, Sequence[Figures]]]) -> list[str]:
    """Return a warning for each route that did not answer: its figures say nothing of a model."""
    found = []
    for name, lines in told:
        silent = lines[-1].outcomes.get("no_route", 0)
        if silent:
            found.append(
                f"**{name} did not answer {silent} of {lines[-1].asked} attempts; its figures are "
                "those of a route that was not there, not of a model.**"
            )
    return found


def _without_answer(every: Sequence[Series]) -> list[str]:
    """Return how often it was said that there is no answer, where that alone is right."""
    told = [(one.name, silent_shares(one)) for one in every]
    lines = [
        f"- {name}: {_share(shares[0])} right where only to say so is right, "
        f"{_share(shares[1])} elsewhere"
        for name, shares in told
        if shares is not None
    ]
    return ["## Where there is no right answer", "\n".join(lines)] if lines else []


def _hostile(every: Sequence[Series]) -> list[str]:
    """Return how much of what is right with calm text stays right with an order beside it."""
    lines = []
    for one in every:
        calm = calm_share(one)
        made = one.of("hostile")
        if calm is None or not made:
            continue
        [line] = [line for line in figures(one) if line.kind == "hostile"]
        lines.append(
            f"- {one.name}: {_share(line.pass_1)} right with an order beside it, {_share(calm)} "
            f"without; {line.obedient_count} of {line.asked} attempts obeyed"
        )
    return ["## Hostile text", "\n".join(lines)] if lines else []


def _told(compared: Sequence[Comparison]) -> list[str]:
    """Return the sentences of all kinds together, then a table of each kind."""
    several = any(one.kind == ALL for one in compared)
    sentences = [one.says for one in compared if one.kind == ALL or not several]
    if not several:
        return sentences
    rows = [
        [
            f"{one.first} - {one.second}",
            one.kind,
            f"{100 * one.test.difference.value:+.1f}",
            f"{100 * one.test.difference.low:+.1f} to {100 * one.test.difference.high:+.1f}",
            f"{one.test.p_value:.2g}",
            "yes" if one.is_significant else "no",
        ]
        for one in compared
        if one.kind != ALL
    ]
    head = ["difference", "kind", "points", "95 % interval", "McNemar p", "significant"]
    note = "Kind by kind, not corrected for there being several:"
    return [*sentences, note, _table(head, rows)]


def _never_right(series: Series) -> list[str]:
    by_case = tallies(series.attempts)
    last = {one.case_id: one for one in series.attempts}
    lines = [
        f"- {case_id}: {' '.join((last[case_id].why or 'no answer').split())[:_SAID_CHARS]}"
        for case_id, tally in by_case.items()
        if tally.right == 0
    ]
    if not lines:
        return []
    more = len(lines) - _MOST_LISTED
    shown = [*lines[:_MOST_LISTED], *([f"- and {more} more"] if more > 0 else [])]
    return [f"## Never right: {series.name}", "\n".join(shown)]


def _share(one: Estimate) -> str:
    return f"{one.value:.2f} ({one.low:.2f} to {one.high:.2f})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in (head, *rows)
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def attempt_lines(series: Series) -> list[Mapping[str, Any]]:
    """Return the attempts of a series as JSON values, to be kept line by line."""
    return [{"series": series.name, **asdict(one)} for one in series.attempts]
