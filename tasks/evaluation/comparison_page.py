"""The comparison of models as a Markdown page."""

from collections.abc import Sequence

import polars as pl

from tasks.evaluation.model_comparison import RANDOM, AtRecall, ModelComparison, ModelRow
from tasks.evaluation.published_models import BASELINE, DECIDING

_SHOWN_DRIFT = 20
_COLUMNS = 8
_ALWAYS = (DECIDING, "challengers", BASELINE, "principal_components")
"""Models that every table shows: what decides, what may, and the plain ones beside them."""


def comparison_page(found: ModelComparison, title: str, drifts: pl.DataFrame | None = None) -> str:
    """Return the page; every number in it comes from the comparison or the drift table."""
    return "\n".join(
        [
            f"# Models side by side, {title}",
            "",
            f"{found.cells} cells, {found.cell_days:.0f} cell-days, {found.faults} faults; "
            f"{found.floor:.2%} of periods are affected, which is the average precision of a "
            "random score. Each model is taken at its own best threshold.",
            "",
            *_ranking(found),
            "",
            *_kinds(found),
            "",
            *_profiles(found),
            "",
            *_drift(drifts),
        ]
    )


def comparison_rows(found: ModelComparison) -> list[dict[str, str]]:
    """Return rows of the ranking, one a model, for a table on the run's page."""
    names = ["model", "VUS-PR", "average precision", *_PRICES, *_PROMPT]
    return [dict(zip(names, _ranked(row), strict=True)) for row in found.rows]


_PRICES = [f"false findings at {level:.0%} (delay)" for level in (0.7, 0.8, 0.9)]
_PROMPT = ["faults found", "found promptly", "touched cells found"]


def _ranking(found: ModelComparison) -> list[str]:
    wanted = found.promptness
    header = ["model", "VUS-PR", "average precision", *_PRICES, *_PROMPT]
    return [
        "## Ranking",
        "",
        _line(header),
        "|---|" + "---:|" * (len(header) - 1),
        *(_line(_ranked(row)) for row in found.rows),
        "",
        "False findings are per cell-day, the fewest at that share of faults found; in brackets "
        "the median delay in hours from onset. The last three columns are taken at no more than "
        f"{wanted.false_findings:g} false findings per cell-day; promptly is within "
        f"{wanted.periods} periods of the first measurable effect.",
    ]


def _ranked(row: ModelRow) -> list[str]:
    return [
        row.model,
        f"{row.vus_pr:.3f}",
        f"{row.average_precision:.3f}",
        *(_price(one) for one in row.at_recalls),
        f"{row.recall:.1%}",
        f"{row.prompt_recall:.1%}",
        f"{row.cell_recall:.1%}",
    ]


def _kinds(found: ModelComparison) -> list[str]:
    rows = _shown([row for row in found.rows if row.model != RANDOM])
    if not rows or not rows[0].kinds:
        return ["## By kind of fault", "", "No fault stood in the window."]
    lines = []
    for number, kind in enumerate(rows[0].kinds):
        told = [f"{row.kinds[number].prompt}, {row.kinds[number].found}" for row in rows]
        lines.append(_line([kind.kind, str(kind.faults), *told]))
    return [
        "## By kind of fault",
        "",
        f"Found promptly, and found at all, at the allowed false findings.{_left_out(found, rows)}",
        "",
        _line(["kind", "faults", *(row.model for row in rows)]),
        "|---|---:|" + "---:|" * len(rows),
        *lines,
    ]


def _profiles(found: ModelComparison) -> list[str]:
    if not found.rows or not found.rows[0].profiles:
        return ["## By profile", "", "No cell of the window has a profile."]
    rows = _shown(found.rows)
    lines = [
        _line(
            [
                one.profile,
                str(one.cells),
                f"{one.floor:.2%}",
                *(f"{row.profiles[number].vus_pr:.3f}" for row in rows),
            ]
        )
        for number, one in enumerate(found.rows[0].profiles)
    ]
    return [
        "## By profile",
        "",
        "VUS-PR within the cells of a profile; the floor is its share of affected periods."
        f"{_left_out(found, rows)}",
        "",
        _line(["profile", "cells", "floor", *(row.model for row in rows)]),
        "|---|---:|---:|" + "---:|" * len(rows),
        *lines,
    ]


def _shown(rows: Sequence[ModelRow]) -> list[ModelRow]:
    """Return as many rows as a page has columns for: some always, then the best, in order."""
    always = [row for row in rows if row.model in _ALWAYS]
    others = [row for row in rows if row.model not in _ALWAYS and row.model != RANDOM]
    kept = {row.model for row in (*always, *others[: max(_COLUMNS - len(always), 0)])}
    return [row for row in rows if row.model in kept]


def _left_out(found: ModelComparison, rows: Sequence[ModelRow]) -> str:
    count = sum(row.model != RANDOM for row in found.rows) - len(rows)
    return f" {count} models of the ranking are left out here." if count else ""


def _drift(drifts: pl.DataFrame | None) -> list[str]:
    if drifts is None or drifts.is_empty():
        return ["## Drift", "", "Nothing to compare with: no earlier window of the same hours.", ""]
    told = drifts.drop_nulls("stability_index").head(_SHOWN_DRIFT)
    unsaid = drifts["stability_index"].null_count()
    return [
        "## Drift",
        "",
        "Population stability index by deciles of the reference: under 0.1 nothing moved, over "
        f"0.25 much did. The {told.height} largest of {drifts.height}; {unsaid} have too few "
        "values to say.",
        "",
        _line(["profile", "quantity", "index", "missing before", "missing now"]),
        "|---|---|---:|---:|---:|",
        *(
            _line(
                [
                    row["cell_profile"],
                    row["quantity"],
                    f"{row['stability_index']:.3f}",
                    f"{row['missing_share_before']:.1%}",
                    f"{row['missing_share_now']:.1%}",
                ]
            )
            for row in told.iter_rows(named=True)
        ),
        "",
    ]


def _price(one: AtRecall) -> str:
    if one.false_findings is None:
        return "never"
    delay = "-" if one.delay_hours is None else f"{one.delay_hours:.2f}"
    return f"{one.false_findings:.4f} ({delay})"


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
