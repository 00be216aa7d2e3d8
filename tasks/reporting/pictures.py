"""Pictures for places that show no page of ours: the map and the worst timelines as PNG.

Drawn from the same values as the page. The same report gives the same bytes.
"""

import io
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, filterwarnings

import numpy as np

from tasks.reporting.cell_health import HEALTHY, NOT_JUDGED
from tasks.reporting.network_report import NetworkReport
from tasks.reporting.timelines import Panel, Timeline
from tasks.reporting.wording import clipped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Functions import Matplotlib where they draw: every flow imports this module, few draw.

_COLORS = {
    HEALTHY: "#b4c5da",
    NOT_JUDGED: "#e4e7eb",
    "WARNING": "#f6e08d",
    "MINOR": "#eda63c",
    "MAJOR": "#dd5a1f",
    "CRITICAL": "#9d0f3e",
}
_NAMES = {HEALTHY: "Healthy", NOT_JUDGED: "Not judged"}
_STYLE: dict[Any, Any] = {
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#9aa5b1",
    "date.converter": "concise",
    "text.parse_math": False,  # a dollar sign in a delivered name is no formula
}
_PANELS = 6


def map_picture(report: NetworkReport) -> bytes | None:
    """Return the map of cells by health, None where no cell has a place."""
    if not report.map.has_cells:
        return None
    from matplotlib import rc_context  # noqa: PLC0415 - see above
    from matplotlib.figure import Figure  # noqa: PLC0415 - see above

    with rc_context(_STYLE):
        height = 8.0 * report.map.height / report.map.width
        figure = Figure(figsize=(8.0, height + 0.35), layout="constrained")
        axes = figure.add_subplot()
        _draw_map(axes, report)
        return _png(figure)


def timelines_picture(report: NetworkReport) -> bytes | None:
    """Return the first KPI to blame of the worst cells over time, None without any."""
    drawn = [
        (line, line.panels[0])
        for line in report.timelines
        if line.panels and not line.panels[0].is_empty
    ][:_PANELS]
    if not drawn:
        return None
    from matplotlib import rc_context  # noqa: PLC0415 - see above
    from matplotlib.figure import Figure  # noqa: PLC0415 - see above

    with rc_context(_STYLE):
        figure = Figure(figsize=(8.0, 1.55 * len(drawn)), layout="constrained")
        for axes, (line, panel) in zip(
            figure.subplots(len(drawn), squeeze=False)[:, 0], drawn, strict=True
        ):
            _draw_panel(axes, line, panel)
        return _png(figure)


def _draw_map(axes: "Axes", report: NetworkReport) -> None:
    from matplotlib.collections import PolyCollection  # noqa: PLC0415 - see above
    from matplotlib.patches import Patch  # noqa: PLC0415 - see above

    drawn = report.map
    by_state: dict[str, list[list[tuple[float, float]]]] = {state: [] for state in _COLORS}
    by_state[HEALTHY] += [shape.outline for shape in drawn.healthy]
    for wedge in drawn.wedges:
        by_state.setdefault(wedge.state, []).append(wedge.shape.outline)
    for state, outlines in by_state.items():
        color = _COLORS.get(state, _COLORS["WARNING"])
        edge = "#7d8794" if state in {NOT_JUDGED, "WARNING"} else "white"
        axes.add_collection(
            PolyCollection(outlines, facecolors=color, edgecolors=edge, linewidths=0.35)
        )
    for badge in drawn.badges:
        axes.annotate(
            badge.text, (badge.x, badge.y), ha="center", va="center",
            fontsize=5.5, fontweight="bold",
            bbox={"boxstyle": "circle,pad=0.18", "fc": "white", "ec": "#1c2530", "lw": 0.6},
        )  # fmt: skip
    x, y = drawn.width - drawn.scale_units - 18, drawn.height - 14
    axes.plot([x, x + drawn.scale_units], [y, y], color="#586474", linewidth=1)
    axes.text(
        x + drawn.scale_units / 2, y - 6, f"{drawn.scale_km:g} km", ha="center", color="#586474"
    )
    axes.set(xlim=(0, drawn.width), ylim=(drawn.height, 0), aspect="equal")
    axes.axis("off")
    legend = [
        Patch(color=_COLORS[state], label=f"{_NAMES.get(state, state.capitalize())} {cells:,}")
        for state, cells in report.state_counts.items()
        if cells
    ]
    axes.legend(
        handles=legend, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=6, frameon=False
    )


def _draw_panel(axes: "Axes", line: Timeline, panel: Panel) -> None:
    series = panel.series
    times: Any = series.starts
    low, high, expected, seen = (
        np.array(values, dtype=float)
        for values in (series.low, series.high, series.expected, series.seen)
    )
    for since, until in panel.spans:
        axes.axvspan(since, until, color="#e8457c", alpha=0.13, linewidth=0)  # type: ignore[arg-type]
    axes.fill_between(times, low, high, color="#9dbbdc", alpha=0.45, linewidth=0)
    axes.plot(times, expected, color="#5b83b3", linewidth=0.8, linestyle="--")
    axes.plot(times, seen, color="#24405f", linewidth=0.9)
    axes.margins(x=0)
    unit = "" if panel.blame.unit == "1" else f", {panel.blame.unit}"
    axes.set_title(
        clipped(f"{line.number}  {line.finding.cell}: {panel.title}{unit}", 110),
        loc="left", fontsize=8,
    )  # fmt: skip


def _png(figure: "Figure") -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - see above

    FigureCanvasAgg(figure)
    written = io.BytesIO()
    with catch_warnings():
        # A name in a script that the font lacks shows as boxes; its number still leads to it.
        filterwarnings("ignore", message=r"Glyph \d+", category=UserWarning)
        figure.savefig(written, format="png", dpi=110, metadata={"Software": None})
    return written.getvalue()
