"""Plans of saving as a page: what was understood, the choice, and what it is chosen from.

One HTML file that opens from disk, without script or request; every value is escaped. The picture
is drawn from the same figures as the table. The same figures give the same page.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tasks.energy.comparing import PlanFigures
from tasks.energy.goals.goal import Objective

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TEMPLATES = Path(__file__).parent / "templates"
_UNITS: dict[Objective, str] = {
    "energy": "Saved, kWh",
    "money": "Saved, money of the tariff",
    "co2": "Saved, kg CO2",
}
_STYLE: dict[Any, Any] = {
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#9aa5b1",
    "svg.fonttype": "none",
    "svg.hashsalt": "anops",
    "text.parse_math": False,
}
_RIGHT_SHARE = 0.6
_BLUE, _PINK, _GRAY = "#24405f", "#c2255c", "#9aa5b1"


@dataclass(frozen=True)
class AsleepHour:
    """Cells that save in one planning period: when, and how many in which mode."""

    start: str
    counts: dict[str, int]


@dataclass(frozen=True)
class PlanStory:
    """What a page tells of one plan.

    Attributes:
        text: as the person wrote it.
        understood: the goal in a sentence.
        made_at: when, with its zone.
        promise: taken.
        decided_by: solver or route.
        plans: worth a choice, that saving most first.
        solved: all that were solved, dominated ones too.
        says: sentences.
        notes: about the reading of the goal.
        hours: cells that save over time.
        objective: of the goal.
        currency: of money; empty where no tariff is known.
    """

    text: str
    understood: str
    made_at: str
    promise: str
    decided_by: str
    plans: Sequence[PlanFigures]
    solved: Sequence[PlanFigures]
    says: Sequence[str]
    notes: Sequence[str]
    hours: Sequence[AsleepHour]
    objective: Objective
    currency: str = ""


def plan_page(story: PlanStory) -> str:
    """Return the whole page as HTML."""
    style = (_TEMPLATES / "plan.css").read_text(encoding="utf-8")
    picture = pareto_picture(story).decode()
    return (
        _environment()
        .get_template("plan.html")
        .render(
            story=story,
            style=Markup(style),  # noqa: S704 - our own file, no delivered text
            picture=Markup(picture[picture.index("<svg") :]),  # noqa: S704 - drawn from numbers
            modes=list(dict.fromkeys(mode for hour in story.hours for mode in hour.counts)),
        )
    )


def plan_markdown(story: PlanStory) -> str:
    """Return the story as Markdown, for a run's page."""
    rows = [
        f"| {'**' + plan.promise + '**' if plan.promise == story.promise else plan.promise} "
        f"| {plan.saved_kwh:.1f} | {100 * plan.saved_share:.1f} | {plan.saved_money:.2f} "
        f"| {plan.saved_co2_kg:.1f} | {plan.floor_mbps:g} | {100 * plan.felt_share:.1f} "
        f"| {plan.surge_factor:g} | {plan.most_asleep} "
        f"| {100 * plan.gap_share:.2f} |"
        for plan in story.plans
    ]
    head = (
        f"| promise | saved kWh | saved % | saved {story.currency or 'money'} | kg CO2 "
        "| floor Mbit/s | not served as usual % | surge, times | most off air | gap % |"
    )
    lines = "\n".join(
        f"- {_plain(sentence)}" for sentence in (story.understood, *story.says, *story.notes)
    )
    told = "\n".join([head, "|" + "---|" * 10, *rows])
    return f"## Plan of {story.made_at}\n\n> {_plain(story.text)}\n\n{lines}\n\n{told}\n"


def pareto_picture(story: PlanStory) -> bytes:
    """Return the plans as SVG: what is saved, against the traffic that is not served as usual.

    The plans worth a choice are joined; those that another beats in all stand beside them, gray.
    """
    from matplotlib import rc_context  # noqa: PLC0415 - every flow imports this, few draw
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above

    with rc_context(_STYLE):
        figure = Figure(figsize=(6.4, 3.4), layout="constrained")
        _draw(figure.add_subplot(), story)
        written = io.BytesIO()
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    return written.getvalue()


def _draw(axes: "Axes", story: PlanStory) -> None:
    kept = sorted(story.plans, key=lambda plan: plan.saved(story.objective))
    names = {plan.promise for plan in kept}
    axes.plot(
        [100 * plan.felt_share for plan in kept], [plan.saved(story.objective) for plan in kept],
        color=_BLUE, linewidth=1.0, zorder=1,
    )  # fmt: skip
    for plan in story.solved:
        is_kept, is_chosen = plan.promise in names, plan.promise == story.promise
        color = _PINK if is_chosen else _BLUE if is_kept else _GRAY
        at = (100 * plan.felt_share, plan.saved(story.objective))
        is_right = plan.felt_share > _RIGHT_SHARE * max(one.felt_share for one in story.solved)
        axes.scatter(*at, s=64 if is_chosen else 30, color=color, zorder=2, linewidths=0)
        axes.annotate(
            f"{plan.promise}: {plan.floor_mbps:g} Mbit/s, surge {plan.surge_factor:g} x",
            at, xytext=(-7 if is_right else 7, -11), textcoords="offset points", color=color,
            ha="right" if is_right else "left",
            fontweight="bold" if is_chosen else "normal",
        )  # fmt: skip
    axes.set_xlabel("Traffic carried by other cells, or with less capacity, %")
    axes.set_ylabel(_UNITS[story.objective])
    axes.margins(x=0.25, y=0.18)
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.grid(visible=True, color="#e4e7eb", linewidth=0.6)
    axes.set_axisbelow(True)


def _plain(text: str) -> str:
    """Return a person's text so that Markdown shows it as it is."""
    shown = "".join(letter for letter in text if letter.isprintable())
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]<>#|!" else letter for letter in shown)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
