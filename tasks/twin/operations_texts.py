"""Documents that the sample network's people wrote, as Markdown.

Runbooks, procedures, references, and reports on incidents that are over.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import numpy as np

from tasks.twin.faults import Fault, FaultKind
from tasks.twin.layout import Network
from tasks.twin.operations_runbooks import RUNBOOKS, Runbook
from tasks.twin.traffic import PERIOD_S, Season

_SEED = 43
_MOST_REPORTS = 6
_FEWEST_PERIODS = 6

_PROCEDURES: dict[str, tuple[str, str, str]] = {
    "tilt-change": (
        "Change of antenna tilt", "radio",
        "## Before\n\n1. Plan the new value against coverage and the neighbors' load.\n"
        "2. Ask for the change, with object, value before and value after.\n\n"
        "## Work\n\n1. Work between 01:00 and 04:00 local time.\n2. Set `digitalTilt` in steps of "
        "at most two degrees.\n\n## After\n\n1. Watch drops and handovers for one whole day.\n"
        "2. Go back if either is worse than the week before at the same hour.\n",
    ),
    "software-upgrade": (
        "Upgrade of an element's software", "software",
        "## Before\n\n1. Save the configuration.\n2. Check the license of the new release.\n\n"
        "## Work\n\n1. Upgrade one site of each kind first and wait two days.\n2. Then at most ten "
        "sites a night.\n\n## After\n\nCompare accessibility, drops and throughput of the upgraded "
        "cells with those that are not, at the same load.\n",
    ),
    "maintenance-window": (
        "Work on site", "operations",
        "## Announce\n\nA window names objects, begin and end, and who is on site. Alarms of those "
        "objects inside of the window are expected.\n\n## Close\n\nThe window is closed when no "
        "alarm stands and every cell has carried traffic again.\n",
    ),
    "major-incident": (
        "Major incident", "operations",
        "## When\n\nMore than ten sites, or any core function, without service for ten minutes.\n\n"
        "## Roles\n\n| role | does |\n|---|---|\n| lead | decides, keeps the time line |\n"
        "| radio, transport, core | one engineer each |\n| desk | speaks with customers |\n\n"
        "## Report\n\nWithin three days: what was seen, when, what caused it, what changes.\n",
    ),
}  # fmt: skip
_REFERENCES: dict[str, tuple[str, str, str]] = {
    "severities": (
        "What severities mean", "operations",
        "| severity | means | answer within |\n|---|---|---|\n| CRITICAL | service is lost | "
        "15 min |\n| MAJOR | service is worse, or a spare is gone | 1 h |\n| MINOR | will be "
        "noticed | next day |\n| WARNING | nothing yet | next visit |\n",
    ),
    "names": (
        "How objects are named", "operations",
        "A site is `S` and three digits. A cell is named root first:\n\n```\nSubNetwork=1,"
        "ManagedElement=7,GNBDUFunction=1,NRCellDU=3\n```\n\nThe last number is sector and "
        "carrier. Routers are `R` and two digits, optical terminals `O` and two digits.\n",
    ),
}  # fmt: skip


def operations_documents(
    network: Network, faults: Sequence[Fault], calendar: Season, seed: int
) -> dict[str, str]:
    """Return the documents by path, the same for the same arguments.

    Reports are on faults that were over two days before the run's end; they name no fault's
    identifier, and what they call the cause is what people came to believe.
    """
    rng = np.random.default_rng([seed, _SEED])
    start = calendar.starts[0]
    found = {
        f"runbooks/{kind.replace('_', '-')}.md": _runbook(book, start, number)
        for number, (kind, book) in enumerate(RUNBOOKS.items())
    }
    for folder, kind, pages in (
        ("procedures", "procedure", _PROCEDURES), ("reference", "reference", _REFERENCES),
    ):  # fmt: skip
        for number, (name, (title, domain, text)) in enumerate(pages.items()):
            since = (start - timedelta(days=200 + 31 * number)).date()
            head = _head(title, kind, domain, since)
            found[f"{folder}/{name}.md"] = f"{head}\n# {title}\n\n{text}"
    return found | _reports(network, faults, calendar, rng)


def _head(
    title: str, kind: str, domain: str, since: date, object_classes: Sequence[str] = ()
) -> str:
    classes = f"object_classes: [{', '.join(object_classes)}]\n" if object_classes else ""
    return (
        f"---\ntitle: {title}\nkind: {kind}\ndomain: {domain}\n{classes}valid_from: {since}\n"
        "language: en\n---\n"
    )


def _runbook(book: Runbook, start: datetime, number: int) -> str:
    since = (start - timedelta(days=90 + 11 * number)).date()
    head = _head(book.title, "runbook", book.domain, since, book.object_classes)
    checks = "\n".join(f"{place}. {words}" for place, words in enumerate(book.checks, 1))
    causes = "\n".join(f"- {words}" for words in book.causes)
    actions = "\n".join(f"{place}. {words}" for place, words in enumerate(book.actions, 1))
    return (
        f"{head}\n# {book.title}\n\n## What is seen\n\n{book.seen}\n\n## What to check\n\n"
        f"{checks}\n\n## Usual causes\n\n{causes}\n\n## What to do\n\n{actions}\n\n## Take care\n\n"
        f"{book.warning}\n"
    )


def _reports(
    network: Network, faults: Sequence[Fault], calendar: Season, rng: np.random.Generator
) -> dict[str, str]:
    end = calendar.starts[-1] + timedelta(seconds=PERIOD_S)
    over = [
        (fault, calendar.starts[fault.last - 1] + timedelta(seconds=PERIOD_S))
        for fault in faults
        if fault.last - fault.first >= _FEWEST_PERIODS and fault.last < calendar.periods
    ]
    due = [(fault, done) for fault, done in over if done + timedelta(days=2) < end]
    largest = sorted(due, key=lambda one: (-len(one[0].cells), one[0].first))[:_MOST_REPORTS]
    found = {}
    for number, (fault, done) in enumerate(sorted(largest, key=lambda one: one[1]), 1):
        written = (done + timedelta(days=1 + float(rng.uniform(0.0, 0.9)))).date()
        name = f"incident_reports/{written:%Y-%m-%d}-{number}.md"
        found[name] = _report(network, fault, calendar.starts[fault.first], done, written)
    return found


_EFFECTS: dict[FaultKind, str] = {
    "outage": "Users moved to the neighbors; indoors many had no service.",
    "link_cut": "Sites behind the link were silent, or reached over a longer way.",
    "power_failure": "Service went when the batteries were empty.",
    "core_function_restart": "Registrations failed for minutes and came back in a storm.",
}


def _report(network: Network, fault: Fault, begun: datetime, done: datetime, written: date) -> str:
    book = RUNBOOKS[fault.kind]
    sites = sorted({network.cells[cell].site.site_id for cell in fault.cells})
    named = ", ".join(sites[:8]) + (f" and {len(sites) - 8} more" if len(sites) > 8 else "")
    title = f"Incident of {begun:%Y-%m-%d}: {book.title.lower()} at {sites[0]}"
    head = _head(f'"{title}"', "incident_report", book.domain, written, book.object_classes)
    hours = (done - begun).total_seconds() / 3600.0
    effect = _EFFECTS.get(fault.kind, "Users noticed worse service in the busy hours.")
    return (
        f"{head}\n# {title}\n\n## Summary\n\nFrom {begun:%Y-%m-%d %H:%M} to "
        f"{done:%Y-%m-%d %H:%M} UTC, {hours:.1f} hours, {len(fault.cells)} cells of {named} were "
        f"affected. {effect}\n\n"
        f"## What was seen\n\n{book.seen}\n\n## Cause\n\nFound on site: {book.causes[0]}.\n\n"
        f"## What was done\n\n{book.actions[-1]}\n\n## What we change\n\n{book.warning}\n"
    )
