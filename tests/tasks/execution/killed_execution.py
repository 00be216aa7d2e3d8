"""A program that kills its own executions with SIGKILL, one step later each time, and looks.

    python -m tests.tasks.execution.killed_execution FOLDER once|twice STORY...

A step is each side of every entry that goes into the ledger, and each side of every read and write
of the network; all are counted, none is chosen. After each kill it checks that the network did
nothing that the ledger does not know to be begun; then another process goes on, `twice` killed
again at each of its own steps, and in the end every operation must have taken effect once, or the
network be as it was. It prints how many executions of each story were killed.

The network is a file that only ever grows: what took effect, in order. The program forks before
anything else runs, so one import serves every kill.
"""

import json
import os
import shutil
import signal
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from semantic_layer.errors import InputError, TransientError
from semantic_layer.execution_rules import execution_rules
from tasks.adapters.memory_gateway import MemoryGateway
from tasks.adapters.sqlite_ledger import SqliteLedger
from tasks.execution.executing import carried_out
from tasks.execution.recalling import recalled
from tasks.messages.change_sets import ChangeSet, Operation
from tasks.messages.ledger import EntryDraft
from tasks.messages.proposal_life import proposal_life
from tests.tasks.execution.told import (
    ALL_THREE,
    LOCK,
    NEIGHBOR,
    NOON,
    RELATE,
    RESTART,
    SLEEP,
    TILT,
    TILT_BACK,
    UNLOCK,
    StoppedClock,
    approved,
    hands,
    network_objects,
)

NEVER = 10_000


@dataclass(frozen=True)
class Story:
    """A change, what the network does to it, and how it must end.

    Attributes:
        is_worse: it was applied and found worse before the execution that is killed.
        is_recalled: the execution that is killed takes it back as planned.
        is_kept: it was verified to stand before that.
        writes_before: so many writes were done before that, the next one was begun.
    """

    change: ChangeSet
    refused: Operation | None = None
    silent: Operation | None = None
    is_worse: bool = False
    is_recalled: bool = False
    is_kept: bool = False
    writes_before: int = NEVER
    ends: str = "APPLIED"


STORIES = {
    "restart": Story(RESTART),
    "tilt": Story(TILT_BACK),
    "neighbor": Story(NEIGHBOR),
    "all": Story(ALL_THREE),
    "tilt refused": Story(ChangeSet((LOCK, TILT)), refused=TILT, ends="ROLLED_BACK"),
    "second refused": Story(ALL_THREE, refused=TILT, ends="ROLLED_BACK"),
    "unlock refused": Story(ChangeSet((LOCK, TILT, RELATE, LOCK.inverse())), ends="ROLLED_BACK",
                            refused=UNLOCK),
    "silent": Story(ALL_THREE, silent=RELATE, ends="ROLLED_BACK"),
    "restart is worse": Story(RESTART, is_worse=True, ends="UNDONE"),
    "tilt is worse": Story(TILT_BACK, is_worse=True, ends="UNDONE"),
    "all are worse": Story(ALL_THREE, is_worse=True, ends="UNDONE"),
    "sleep": Story(SLEEP),
    "recall": Story(SLEEP, is_recalled=True, ends="RECALLED"),
    "recall of two cells": Story(ALL_THREE, is_recalled=True, ends="RECALLED"),
    "recall of what was kept": Story(SLEEP, is_recalled=True, is_kept=True, ends="RECALLED"),
    "recall before a write": Story(SLEEP, is_recalled=True, writes_before=0, ends="RECALLED"),
    "recall half written": Story(SLEEP, is_recalled=True, writes_before=1, ends="RECALLED"),
}  # fmt: skip


class _DeadError(Exception):
    """The process is as good as dead."""


class FileNetwork(MemoryGateway):
    """A network whose journal is a file; two kinds of trouble, each once a proposal."""

    dies_at = NEVER

    def __init__(self, path, story, count):
        super().__init__(network_objects())
        self.path, self.story, self.count = path, story, count
        for operation in journal(path):
            super().write(operation)

    def read(self, dns):
        self.count()
        found = super().read(dns)
        self.count()
        return found

    def write(self, operation):
        self.count()
        if len(self.journal) >= self.dies_at:
            raise _DeadError
        operations = self.story.change.operations
        is_next = operation in operations[len(self.journal) : len(self.journal) + 1]
        if operation == self.story.refused and is_next:
            raise InputError("The network refuses it.")
        if operation == self.story.silent and is_next:
            raise TransientError("The network did not answer.")
        known = len(self.journal)
        super().write(operation)
        if len(self.journal) > known:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(operation.to_json()) + "\n")
        self.count()


class CountedLedger(SqliteLedger):
    """The ledger as it is, each append a step before and after."""

    count = staticmethod(lambda: None)

    def append(self, draft):
        self.count()
        entry = super().append(draft)
        self.count()
        return entry


def journal(path):
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Operation.from_json(json.loads(line)) for line in lines]


def ledger_of(folder):
    return CountedLedger(folder / "ledger", None, StoppedClock())


def begin(folder, story):
    """Put the approved proposal on record; where it is to be found worse, apply it and say so."""
    ledger = ledger_of(folder)
    name = approved(ledger, story.change)
    network = FileNetwork(folder / "network", story, lambda: None)
    if story.is_worse or (story.is_recalled and story.writes_before == NEVER):
        carried_out(name, hands(ledger, network))
    elif story.is_recalled:
        network.dies_at = story.writes_before
        with suppress(_DeadError):
            carried_out(name, hands(ledger, network))
    word = "worse" if story.is_worse else "better" if story.is_kept else ""
    if word:
        verdict = {"verdict": word, "reason": "Drops doubled.", "effect": {}}
        ledger.append(EntryDraft("verified", name, "executor", NOON, verdict, f"verified:{name}"))
    (folder / "name").write_text(name)


def execute(folder, story, die_at):
    """Look, carry the proposal on, look again; kill this process at its `die_at`-th step."""
    look_between(folder)
    taken = [0]

    def count():
        taken[0] += 1
        if taken[0] == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    ledger = ledger_of(folder)
    ledger.count = count
    network = FileNetwork(folder / "network", story, count)
    name, tools = (folder / "name").read_text(), hands(ledger, network, write_tries=2)
    if story.is_recalled:
        recalled(name, "The plan wakes it.", tools)
    else:
        carried_out(name, tools)
    ledger.count = lambda: None
    look_at_the_end(folder, story)


def look_between(folder):
    """Raise unless everything that took effect is on record as begun."""
    ledger, name = ledger_of(folder), (folder / "name").read_text()
    begun = [one for one in ledger.entries(name) if one.kind == "write_intended"]
    effects = journal(folder / "network")
    assert len(effects) <= len(begun), "a write that the ledger does not know of"
    assert ledger.problems() == []


def look_at_the_end(folder, story):
    """Raise unless the change stands once or not at all, and the ledger says which."""
    ledger, name = ledger_of(folder), (folder / "name").read_text()
    entries = ledger.entries(name)
    life = proposal_life(entries)
    assert life.stage == story.ends, f"it is {life.stage}"
    assert ledger.problems() == []
    keys = [one.key for one in entries]
    assert len(set(keys)) == len(keys), "an entry stands twice"
    effects = journal(folder / "network")
    forward = list(story.change.operations)
    if story.ends == "APPLIED":
        assert effects == forward, "lost, doubled or in another order"
        return
    reached = max((n for n in range(len(forward) + 1) if effects[:n] == forward[:n]), default=0)
    back = [one.inverse() for one in reversed(forward[:reached])]
    assert effects in (forward[:reached] + back, forward), f"half or doubled: {effects}"
    still = MemoryGateway(network_objects())
    for operation in effects:
        still.write(operation)
    assert still._objects == MemoryGateway(network_objects())._objects, "something stands"


def in_child(work):
    """Return how a forked child that does `work` ended: its exit code, or minus its signal."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        work()
    except BaseException:  # noqa: BLE001 - a child must never return into the parent's loop
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def killed(start, home, story, step):
    """Copy a state, go on from it and die at a step; tell whether the step was ever reached."""
    shutil.copytree(start, home)
    ended = in_child(lambda: execute(home, story, step))
    assert ended in (0, -signal.SIGKILL), f"step {step} ended with {ended}"
    return ended != 0


def killed_executions(folder, story, *, is_twice):
    """Return how many executions were killed; every one was looked at and then completed."""
    start, kills = folder / "start", 0
    start.mkdir(parents=True)
    assert in_child(lambda: begin(start, story)) == 0, "nothing works at all"
    for step in range(1, NEVER):
        once = folder / "once"
        if not killed(start, once, story, step):
            return kills
        kills += 1
        for again in range(1 if is_twice else NEVER, NEVER + 1):
            twice = folder / "twice"
            if not killed(once, twice, story, again):
                shutil.rmtree(twice)
                break
            kills += 1
            last = folder / "last"
            assert not killed(twice, last, story, NEVER), "it never ends"
            shutil.rmtree(last)
            shutil.rmtree(twice)
        shutil.rmtree(once)
    raise AssertionError("the execution never ended")


def spare_the_disk():
    """Let files be written without waiting for the disk: a killed process loses nothing by that."""
    os.fsync = lambda _file: None


if __name__ == "__main__":
    spare_the_disk()
    execution_rules()  # read once, before anything is forked
    for place, chosen in enumerate(sys.argv[3:]):
        home = Path(sys.argv[1]) / str(place)
        found = killed_executions(home, STORIES[chosen], is_twice=sys.argv[2] == "twice")
        sys.stdout.write(f"{chosen}: {found}\n")
