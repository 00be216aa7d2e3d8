"""The page of a decision as one HTML file that opens from disk, without script or request.

Every value is escaped by the template engine, and characters that nobody sees are gone before.
"""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tasks.approval.approval_text import told_at
from tasks.approval.decision_story import DecisionStory
from tasks.approval.wording import moment, plain

_TEMPLATES = Path(__file__).parent / "templates"


def decision_page(story: DecisionStory, problems: list[str], public_key: str) -> str:
    """Return the whole page; the same story always gives the same text.

    Args:
        story: of the decision.
        problems: of the ledger that it was read from, a sentence each.
        public_key: by which anybody can check its entries.
    """
    style = (_TEMPLATES / "decision.css").read_text(encoding="utf-8")
    return (
        _environment()
        .get_template("decision.html")
        .render(
            story=story,
            proposal=story.proposal,
            problems=problems,
            public_key=public_key,
            style=Markup(style),  # noqa: S704 - our own file, no delivered text
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"plain": plain, "moment": moment, "told_at": told_at}
    return environment
