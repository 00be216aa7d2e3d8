"""The report as one HTML file that opens from disk: style and script inside, nothing fetched.

Every value is escaped by the template engine. The page forbids, by its own content policy, any
script but its own (named by its hash) and any request; a hostile name stays text.
"""

import base64
import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tasks.reporting import chart_axis
from tasks.reporting.cell_health import HEALTHY, NOT_JUDGED
from tasks.reporting.findings_table import SEVERITIES
from tasks.reporting.network_report import NetworkReport
from tasks.reporting.wording import NO_DATA, clean, clipped, digits

SHOWN_FINDINGS = 500
SHOWN_CHECKS = 60
_TEMPLATES = Path(__file__).parent / "templates"


def html_page(report: NetworkReport) -> str:
    """Return the whole page; the same report always gives the same text."""
    script = own_text("report.js")
    return (
        page_environment()
        .get_template("report.html")
        .render(
            report=report,
            style=Markup(own_text("report.css")),  # noqa: S704 - our own file, no delivered text
            script=Markup(script),  # noqa: S704 - our own file, no delivered text
            script_hash=script_hash(script),
        )
    )


def script_hash(script: str) -> str:
    """Return the hash by which the page's content policy admits its script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


@cache
def own_text(name: str) -> str:
    """Return a file of the templates' folder as it is."""
    return (_TEMPLATES / name).read_text(encoding="utf-8")


@cache
def page_environment() -> Environment:
    """Return the template engine, which escapes every value."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"clean": clean, "clipped": clipped, "digits": digits, "shown": _shown}
    environment.globals |= {
        "axis": chart_axis,
        "severities": SEVERITIES,
        "known_states": (*SEVERITIES, HEALTHY, NOT_JUDGED),
        "shown_findings": SHOWN_FINDINGS,
        "shown_checks": SHOWN_CHECKS,
    }
    return environment


def _shown(value: object) -> str:
    if value is None:
        return NO_DATA
    if isinstance(value, bool):
        return "yes" if value else "no"
    return digits(value) if isinstance(value, int | float) else clipped(value, 200)
