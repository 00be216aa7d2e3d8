"""A ledger on disk among deaths and crowds: sound after each, every entry once."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tasks.adapters import ledger_database, ledger_seal
from tasks.adapters.ledger_seal import LedgerBrokenError
from tasks.adapters.sqlite_ledger import SqliteLedger
from tests.conftest import REPOSITORY
from tests.ports.ledger_world import OneClock, draft, kept, reopened
from tests.ports.test_ledger_tampering import sql

pytestmark = pytest.mark.slow  # forks, kills, and waits for crowds of processes


class Dying:
    """Kills this process at the n-th of the calls that reach the disk."""

    def __init__(self, at):
        self.left = at

    def count(self):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, call):
        def called(*given, **named):
            self.count()
            found = call(*given, **named)
            self.count()
            return found

        return called


class DyingConnection:
    def __init__(self, connection, dying):
        self._connection, self._dying = connection, dying

    def execute(self, *given):
        return self._dying.around(self._connection.execute)(*given)

    def close(self):
        self._connection.close()


def killed_append(folder, step, what):
    """Append in a child that dies at a step; return whether it lived to the end."""
    child = os.fork()
    if child == 0:
        dying = Dying(step)
        opened = ledger_database.opened
        ledger_database.opened = lambda path: DyingConnection(opened(path), dying)
        ledger_seal.os.fsync = dying.around(os.fsync)
        ledger_seal.os.link = dying.around(os.link)
        for name in ("replace", "rename", "unlink"):
            setattr(Path, name, dying.around(getattr(Path, name)))
        SqliteLedger(folder, None, OneClock()).append(what)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("before", [0, 1, 2])
def test_kill_9_at_any_step_of_an_append_leaves_a_sound_ledger(tmp_path, before):
    step, kills, finished = 0, 0, 0
    is_done = False
    while not is_done:
        step += 1
        folder = tmp_path / str(step)
        ledger = reopened(folder)
        for number in range(before):
            ledger.append(draft(number))
        ledger.close()
        is_done = killed_append(folder, step, draft(7))
        kills += not is_done
        found = reopened(folder)
        assert found.problems() == [], f"step {step}"
        seen = found.entries()
        assert len(seen) in (before, before + 1)
        found.append(draft(8))
        told = [entry.payload["number"] for entry in found.entries()]
        assert told in ([*range(before), 8], [*range(before), 7, 8])
        assert told[: len(seen)] == [entry.payload["number"] for entry in seen]
        finished += 7 in told
        assert found.append(draft(7)).payload["number"] == 7
        assert found.problems() == []
    assert kills >= 20
    assert finished > 1, "some kill came after the point of no return"


def test_a_cut_right_after_a_crash_is_mended_from_the_head(tmp_path):
    """The head holds the entry that was being written, so nobody can make it unsaid."""
    folder = tmp_path / "ledger"
    ledger = reopened(folder)
    ledger.append(draft(1))
    ledger.close()
    step = 1
    while True:
        step += 1
        trial = Path(shutil.copytree(folder, tmp_path / f"trial-{step}"))
        killed_append(trial, step, draft(2))
        if len(reopened(trial).entries()) == 2:
            break
    assert json.loads((trial / "head.json").read_text())["writing"]
    sql(trial, "DELETE FROM entries WHERE number = 2")
    mended = reopened(trial)
    mended.append(draft(3))
    assert [entry.payload["number"] for entry in mended.entries()] == [1, 2, 3]


def test_a_write_that_fails_is_not_on_record_later(tmp_path, monkeypatch):
    ledger = kept(tmp_path)
    ledger.append(draft(1))
    opened = ledger_database.opened

    class Full:
        def __init__(self, path):
            self.connection = opened(path)

        def execute(self, statement, *given):
            if statement == "COMMIT":
                raise sqlite3.OperationalError("database or disk is full")
            return self.connection.execute(statement, *given)

        def close(self):
            self.connection.close()

    ledger.close()
    with monkeypatch.context() as broken:
        broken.setattr(ledger_database, "opened", Full)
        with pytest.raises(LedgerBrokenError, match="full"):
            ledger.append(draft(2))
        ledger.close()
    ledger.append(draft(3))
    assert [entry.payload["number"] for entry in ledger.entries()] == [1, 3]
    assert ledger.problems() == []


CROWD = """
import sys
from pathlib import Path
from tasks.adapters.sqlite_ledger import SqliteLedger
from tasks.adapters.system_clock import SystemClock
from tasks.messages.ledger import EntryDraft
clock = SystemClock()
ledger = SqliteLedger(Path(sys.argv[1]), None, clock)
for number in range(40):
    for subject in (sys.argv[2], "network"):
        key = f"{subject}:{number}"
        ledger.append(EntryDraft("frozen", subject, "anna", clock.now(), {}, key))
"""


def crowd(folder, names):
    return [
        subprocess.Popen([sys.executable, "-c", CROWD, str(folder), name], cwd=REPOSITORY)
        for name in names
    ]


def test_several_processes_append_at_once_and_each_entry_stands_once(tmp_path):
    processes = crowd(tmp_path / "ledger", ["a", "b", "c"])
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    ledger = kept(tmp_path)
    assert ledger.problems() == []
    assert len(ledger.entries()) == 4 * 40
    assert {name: len(ledger.entries(name)) for name in ("a", "b", "network")} == {
        "a": 40, "b": 40, "network": 40,
    }  # fmt: skip


def test_several_processes_killed_among_appends_leave_a_sound_ledger(tmp_path):
    processes = crowd(tmp_path / "ledger", ["a", "b", "c"])
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and len(kept(tmp_path).entries()) < 20:
        time.sleep(0.005)
    for process in processes:
        process.kill()
        process.wait(10)
    ledger = kept(tmp_path)
    assert ledger.problems() == []
    assert len(ledger.entries()) >= 20
    ledger.append(draft(99))
    assert ledger.problems() == []


def test_the_death_of_who_works_alone_lets_the_next_in(tmp_path):
    ledger = kept(tmp_path)
    holding = tmp_path / "holding"
    child = os.fork()
    if child == 0:
        with ledger.alone("proposal-1"):
            holding.touch()
            time.sleep(60)
        os._exit(1)
    while not holding.exists():
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    with ledger.alone("proposal-1"):
        pass
    os.waitpid(child, 0)
    assert list((tmp_path / "ledger/alone").iterdir()) == []


def test_threads_of_one_process_may_share_a_ledger(tmp_path):
    ledger = kept(tmp_path)

    def work(name):
        for number in range(20):
            ledger.append(draft(number, subject=name, key=f"{name}:{number}"))

    threads = [threading.Thread(target=work, args=(f"proposal-{n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(ledger.entries()) == 60
    assert ledger.problems() == []
