"""An agent that uses all that a session can do; run once more in a process of its own.

`python -m tests.tasks.agents.replayed_agent TRANSCRIPT` repeats it and tells if it is the same.
"""

import json
import random
import sys
import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from tasks.adapters.transcript_lines import events_of
from tasks.agents.planning import Loop, PlannedCall, plan_and_act
from tasks.agents.replaying import replayed
from tasks.agents.session import Option
from tasks.agents.tools import ToolFailedError
from tests.tasks.agents.doubles import CELL, OTHER

VERSIONS = {"code_version": "", "catalogue_version": ""}


class Read(BaseModel):
    model_config = ConfigDict(extra="forbid")

    cause: str


def thorough(session, arguments):
    """Call, ask, explore at uneven speed, choose, plan, write and remember; and say what came."""
    cells = {CELL, OTHER, *arguments["more"]}  # a set: its order differs from process to process

    def look(branch, cell_dn):
        time.sleep(random.Random().random() / 100)  # noqa: S311 - only to make branches race
        rows = branch.call("read_kpis", cell_dn=cell_dn).rows
        inner = branch.explore(
            [1, 2], lambda deep, n: deep.call("read_kpis", cell_dn=cell_dn, limit=n)
        )
        choice = branch.choose("judge", "choose_option", {"dn": cell_dn}, OPTIONS)
        return [rows[0]["prb_usage_dl_pct"], len(inner), choice.option_id]

    found = session.explore(sorted(cells), look)
    try:
        session.call("read_broken", cell_dn=CELL)
        failure = ""
    except ToolFailedError as error:
        failure = str(error)
    ticket = session.call("read_tickets", cell_dn=CELL).rows[0]["text"]
    read = session.ask("reader", "choose_option", {}, Read, {"ticket": ticket})
    script = (PlannedCall("read_kpis", {"cell_dn": OTHER}),)
    work = plan_and_act(session, Loop("Say what is wrong.", {}, script))
    choice = session.choose("judge", "choose_option", {"loads": found}, OPTIONS)
    spoken = session.write("explain_finding", {"found": found}, f"By code: {choice.option_id}.")
    session.remember("done", True)
    return {
        "found": found,
        "failure": failure,
        "cause": read.cause if read else None,
        "planned": [step.call.tool for step in work.steps],
        "ended": work.ended,
        "choice": choice.option_id,
        "decided_by": choice.decided_by,
        "says": spoken.text,
        "seed": session.seed,
    }


OPTIONS = [
    Option("restart_cell", "Restart the cell.", 0.7),
    Option("set_tilt_back", "Set the tilt back.", 0.9),
]


def main():
    path = Path(sys.argv[1])
    events = events_of(path.read_text(encoding="utf-8"), path.name)
    told = replayed(events, thorough, VERSIONS)
    print(json.dumps([told.is_same, told.difference, told.repeated]))  # noqa: T201


if __name__ == "__main__":
    main()
