"""Facts of findings as stories, and an agent's engines on the district of the tools' tests."""

from datetime import UTC, datetime

from tasks.adapters.memory_transcripts import InMemoryTranscripts
from tasks.adapters.scripted_chat import NoChat
from tasks.agents.opening import Assignment, Engines, open_session
from tasks.agents.toolbox.sources import ToolSources
from tasks.agents.toolbox.toolbox import toolbox
from tasks.explaining.agent import AGENT, explain_finding
from tasks.explaining.observations import Facts, Seen
from tests.tasks.agents_toolbox.conftest import DAY, FINDING, MINE, PublishedFrames, frames

ALL = frozenset({"alarm", "change", "drift"})


def kpi(name, strength):
    return Seen("kpi", name, "same_cell", strength, f"{name} moved")


def alarm(name, relation="same_cell", strength=1.0):
    return Seen("alarm", name, relation, strength, f"alarm {name}", f"id of {name}")


def change(kind, relation="same_site", strength=1.0):
    return Seen("change", kind, relation, strength, f"change {kind}", f"id of {kind}")


def drift(name):
    return Seen("drift", name, "same_cell", 1.0, f"{name} drifted", MINE)


def fact(name, strength):
    return Seen("fact", name, "", strength, name)


def facts(*seen, looked_for=ALL):
    finding = {
        "anomaly_id": FINDING, "cell_dn": MINE, "anomaly_start": "2026-03-08T12:00+00:00",
        "anomaly_end": None, "onset_at": None, "is_ongoing": True, "contributions": [],
    }  # fmt: skip
    return Facts(finding, tuple(seen), looked_for)


class Clock:
    def now(self):
        return datetime(2026, 3, 9, tzinfo=UTC)


class NoSpans:
    def emit(self, spans):
        pass


class Desk:
    """Engines on the district; `run` explains its finding and returns the decision."""

    def __init__(self, chat=None, knowledge=None, network=None, change_frames=None):
        told = frames()
        told |= (change_frames or (lambda _: {}))(told)
        reader = PublishedFrames(told)
        sources = ToolSources(reader, "explaining_agent", knowledge, network, DAY)
        self.transcripts = InMemoryTranscripts()
        self.engines = Engines(
            chat or NoChat(), self.transcripts, NoSpans(), toolbox(sources), Clock()
        )

    def run(self):
        assignment = Assignment(
            AGENT, "explaining_agent", "explain_findings", "run-1", 7, {"anomaly_id": FINDING}
        )
        with open_session(self.engines, assignment) as session:
            return explain_finding(session, assignment.arguments)

    def contents(self, kind):
        events = self.transcripts.read("run-1")
        return [event["content"] for event in events if event["kind"] == kind]
