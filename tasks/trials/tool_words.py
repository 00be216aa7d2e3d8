"""Which call a question asks for without a model: an agent's script, and a matcher of words."""

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from tasks.agents.claims import DN
from tasks.agents.planning import STOP
from tasks.messages.canonical import JsonValue

Call: TypeAlias = tuple[str, Mapping[str, JsonValue]]

_FINDING = re.compile(r"\b(?:anomaly|finding)[:_ -]+([\w.:-]*\d[\w.:-]*)", re.IGNORECASE)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?Z")
_NAME = re.compile(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b")
_BY_WORD: Sequence[tuple[str, str]] = (
    ("case", "search_cases"),
    ("runbook", "search_documents"),
    ("procedure", "search_documents"),
    ("ticket", "read_tickets"),
    ("change", "read_changes"),
    ("alarm", "read_alarms"),
    ("evidence", "read_evidence"),
    ("finding", "read_finding"),
    ("neighbor", "read_neighbors"),
    ("configur", "read_configuration"),
    ("tilt", "read_configuration"),
    ("core", "read_core_kpis"),
    ("usual", "compare_with_usual"),
    ("kpi", "read_cell_kpis"),
)
_OF_CELL_AND_TIME = frozenset(
    {"read_tickets", "read_changes", "read_alarms", "read_core_kpis", "compare_with_usual"}
)


def call_of_script(question: str) -> Call:
    """Return the first call that the explaining agent's script makes of what is named.

    The script begins with the finding where one is named, else with how the cell strays; it
    understands no question.
    """
    finding = _FINDING.search(question)
    if finding:
        return "read_finding", {"anomaly_id": finding[1]}
    about = _cell_and_time(question)
    return ("compare_with_usual", about) if about else (STOP, {})


def call_by_keywords(question: str) -> Call:
    """Return the tool of the first word of a list that the question holds, with what it names."""
    small = question.casefold()
    tool = next((name for word, name in _BY_WORD if word in small), STOP)
    if tool in ("search_cases", "search_documents"):
        return tool, {"query": question[:400]}
    if tool in ("read_finding", "read_evidence"):
        finding = _FINDING.search(question)
        return (tool, {"anomaly_id": finding[1]}) if finding else (STOP, {})
    about = _cell_and_time(question)
    if tool == STOP or not about:
        return STOP, {}
    if tool == "read_cell_kpis":
        return tool, about | {"kpis": _NAME.findall(question)[:12]}
    return tool, about if tool in _OF_CELL_AND_TIME else {"cell_dn": about["cell_dn"]}


def _cell_and_time(question: str) -> dict[str, JsonValue]:
    cells = [found[0].rstrip(".?") for found in DN.finditer(question)]
    moments = _MOMENT.findall(question)
    if not cells:
        return {}
    return {"cell_dn": cells[0], **dict(zip(("since", "until"), moments, strict=False))}
