"""What every ledger promises, and what the one on disk survives: crashes, crowds and forgers."""

# ruff: noqa: S608 - statements are put together from constants and numbers

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semantic_layer.errors import InputError
from tasks.adapters import ledger_seal, sqlite_ledger
from tasks.adapters.ledger_seal import (
    NO_HASH,
    LedgerBrokenError,
    LedgerSeal,
    chain_problems,
    entry_json,
    entry_of,
)
from tasks.adapters.memory_ledger import MemoryLedger
from tasks.adapters.sqlite_ledger import SqliteLedger
from tasks.messages.ledger import EntryDraft
from tests.conftest import REPOSITORY

AT = datetime(2026, 3, 1, 6, tzinfo=UTC)


class OneClock:
    def now(self):
        return AT + timedelta(days=200)


def kept(folder, key_file=None):
    return SqliteLedger(folder / "ledger", key_file, OneClock())


def draft(number=1, *, subject="proposal-1", kind="proposed", key=None, **payload):
    told = {"number": number} | payload
    return EntryDraft(
        kind, subject, "healing_agent", AT, told, f"{kind}:{number}" if key is None else key
    )


@pytest.fixture(params=["memory", "sqlite"])
def ledger(request, tmp_path):
    return MemoryLedger(OneClock()) if request.param == "memory" else kept(tmp_path)


def test_an_empty_ledger_holds_nothing_and_nothing_is_wrong_with_it(ledger):
    assert ledger.entries() == ledger.entries("proposal-1") == ledger.problems() == []


def test_what_is_put_on_record_comes_back_as_it_was(ledger):
    payload = {"text": "Zürich \u2028 \x00 ☃", "share": 0.1 + 0.2, "none": None, "list": [1, [2.0]]}
    entry = ledger.append(EntryDraft("proposed", "p", "healing_agent", AT, payload, "k"))
    assert ledger.entries() == [entry]
    assert (entry.payload, entry.at, entry.recorded_at) == (payload, AT, AT + timedelta(days=200))
    assert (entry.number, entry.previous_hash) == (1, NO_HASH)


def test_entries_are_numbered_without_gap_and_each_names_the_one_before(ledger):
    made = [ledger.append(draft(number)) for number in range(1, 6)]
    assert [entry.number for entry in ledger.entries()] == [1, 2, 3, 4, 5]
    assert all(after.previous_hash == before.hash for before, after in pairwise(made))
    assert ledger.problems() == []


def test_a_subjects_entries_are_its_own_in_order(ledger):
    for number in range(6):
        ledger.append(draft(number, subject=f"proposal-{number % 2}"))
    assert [one.payload["number"] for one in ledger.entries("proposal-1")] == [1, 3, 5]
    assert ledger.entries("proposal") == []


def test_an_append_that_comes_again_finds_the_first_even_at_another_time(ledger):
    first = ledger.append(draft())
    again = EntryDraft("proposed", "proposal-1", "healing_agent", AT + timedelta(hours=1),
                       {"number": 1}, "proposed:1")  # fmt: skip
    assert ledger.append(again) == first
    assert ledger.entries() == [first]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(draft(key="k", number=2), id="other payload"),
        pytest.param(draft(key="k", subject="proposal-2"), id="other subject"),
        pytest.param(draft(key="k", kind="judged"), id="other kind"),
        pytest.param(
            EntryDraft("proposed", "proposal-1", "mallory", AT, {"number": 1}, "k"),
            id="other actor",
        ),
    ],
)
def test_a_key_that_says_something_else_already_is_refused(ledger, other):
    ledger.append(draft(key="k"))
    with pytest.raises(InputError, match="never changed"):
        ledger.append(other)
    assert len(ledger.entries()) == 1


def test_entries_without_a_key_may_come_as_often_as_they_like(ledger):
    assert [ledger.append(draft(key="")).number for _ in range(3)] == [1, 2, 3]


def test_a_time_is_the_same_moment_in_any_zone(ledger):
    local = AT.astimezone(timezone(timedelta(hours=2)))
    ledger.append(EntryDraft("frozen", "network", "anna", local, {"reason": "storm"}))
    found = ledger.entries()[0]
    assert (found.at, found.at.utcoffset()) == (AT, timedelta(0))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (EntryDraft("celebrated", "p", "a", AT), "no entries of kind"),
        (EntryDraft("frozen", "", "a", AT), "names what it is about"),
        (EntryDraft("frozen", "network", "", AT), "who did it"),
        (EntryDraft("frozen", "network", "a", AT.replace(tzinfo=None)), "without zone"),
        (EntryDraft("frozen", "network", "a", AT, {"x": float("nan")}), "JSON"),
        (EntryDraft("frozen", "network", "a", AT, {"x": AT}), "JSON"),
        (EntryDraft("frozen", "network", "a", AT, {"x": "\ud800"}), "half a character"),
        (EntryDraft("frozen", "network", "\udfff", AT), "half a character"),
        (EntryDraft("frozen", "network", "a", AT, {"x": "y" * 1_000_001}), "at most 1000000"),
    ],
)
def test_what_is_no_entry_is_refused_with_a_sentence(ledger, wrong, says):
    with pytest.raises(InputError, match=says):
        ledger.append(wrong)
    assert ledger.entries() == []


def test_a_payload_in_too_many_layers_is_refused(ledger):
    deep = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(InputError, match="layers"):
        ledger.append(EntryDraft("frozen", "network", "a", AT, {"x": deep}))


def test_a_payload_reads_as_it_was_given_back(ledger):
    made = ledger.append(EntryDraft("frozen", "network", "a", AT, {"pair": (1, {10: 1, 9: 2})}))
    assert made.payload == ledger.entries()[0].payload == {"pair": [1, {"10": 1, "9": 2}]}
    assert ledger.problems() == []


def test_one_at_a_time_works_on_a_subject_and_others_on_others(ledger):
    order: list[str] = []

    def work():
        with ledger.alone("proposal-1"):
            order.append("second")

    with ledger.alone("proposal-1"):
        other = threading.Thread(target=work)
        other.start()
        with ledger.alone("proposal-2"):
            time.sleep(0.05)
            order.append("first")
    other.join(10)
    assert order == ["first", "second"]


def test_anybody_can_check_entries_by_the_public_key(ledger):
    ledger.append(draft())
    seal = LedgerSeal.of_public_key(ledger.public_key)
    told = [json.loads(json.dumps(entry_json(one))) for one in ledger.entries()]
    assert list(chain_problems([entry_of(one) for one in told], seal)) == []
    with pytest.raises(InputError, match="private key"):
        seal.sign(b"anything")


def test_looking_at_a_ledger_that_never_was_makes_none(tmp_path):
    ledger = kept(tmp_path)
    assert ledger.entries() == ledger.problems() == []
    assert list(tmp_path.iterdir()) == []


def test_the_key_is_its_owners_alone_and_its_public_half_lies_beside_it(tmp_path):
    ledger = kept(tmp_path)
    ledger.append(draft())
    folder = tmp_path / "ledger"
    assert (folder / "ledger.key").stat().st_mode & 0o777 == 0o600
    assert (folder / "ledger.pub").read_text() == ledger.public_key
    assert "PRIVATE" not in ledger.public_key


def test_a_key_in_a_file_of_its_own_is_used_and_one_that_others_may_read_is_not(tmp_path):
    key = tmp_path / "elsewhere/ledger.key"
    kept(tmp_path, key).append(draft())
    assert not (tmp_path / "ledger/ledger.key").exists()
    key.chmod(0o640)
    with pytest.raises(InputError, match="chmod 600"):
        kept(tmp_path, key).append(draft(2))


@pytest.mark.parametrize("content", [b"", b"-----BEGIN NOTHING-----", b"\xff\xfe"])
def test_a_key_file_that_holds_no_key_says_so(tmp_path, content):
    key = tmp_path / "key"
    key.write_bytes(content)
    key.chmod(0o600)
    with pytest.raises(InputError, match="no private key"):
        kept(tmp_path, key).append(draft())


# A ledger on disk in other hands. Each story leaves a ledger of six entries in a state that the
# ledger itself never made.


def whole(folder):
    ledger = kept(folder)
    for number in range(1, 7):
        ledger.append(draft(number, subject=f"proposal-{number % 2}"))
    ledger.close()
    return folder / "ledger"


@pytest.fixture(scope="module")
def six(tmp_path_factory):
    return whole(tmp_path_factory.mktemp("six"))


@pytest.fixture
def folder(six, tmp_path):
    return Path(shutil.copytree(six, tmp_path / "ledger"))


def sql(folder, *statements):
    with closing(sqlite3.connect(folder / "ledger.db", isolation_level=None)) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        found = triggers.fetchall()
        for name, _ in found:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        for _, made in found:
            connection.execute(made)


def reopened(folder):
    return SqliteLedger(folder, None, OneClock())


TAMPERED = {
    "a word of a payload": ["UPDATE entries SET payload = '{\"number\":9}' WHERE number = 3"],
    "who did it": ["UPDATE entries SET actor = 'anna' WHERE number = 3"],
    "what it is about": ["UPDATE entries SET subject_id = 'proposal-9' WHERE number = 3"],
    "a time": ["UPDATE entries SET at = '2026-03-01T07:00:00+00:00' WHERE number = 3"],
    "the last entry": ["UPDATE entries SET kind = 'approved' WHERE number = 6"],
    "a payload that is no JSON": ["UPDATE entries SET payload = '{' WHERE number = 3"],
    "a payload in other words": ["UPDATE entries SET payload = '{ \"number\":3}' WHERE number = 3"],
    "a signature": [f"UPDATE entries SET signature = '{'ab' * 64}' WHERE number = 3"],
    "a signature of another entry": [
        "UPDATE entries SET signature = (SELECT signature FROM entries WHERE number = 2) "
        "WHERE number = 3"
    ],
    "removed from the middle": ["DELETE FROM entries WHERE number = 3"],
    "removed and closed up": [
        "DELETE FROM entries WHERE number = 3",
        "UPDATE entries SET number = number - 1 WHERE number > 3",
    ],
    "the first removed": ["DELETE FROM entries WHERE number = 1"],
    "the last cut off": ["DELETE FROM entries WHERE number = 6"],
    "half cut off": ["DELETE FROM entries WHERE number > 3"],
    "all cut off": ["DELETE FROM entries"],
    "two exchanged": [
        "UPDATE entries SET number = 99 WHERE number = 3",
        "UPDATE entries SET number = 3 WHERE number = 4",
        "UPDATE entries SET number = 4 WHERE number = 99",
    ],
    "one doubled": [
        "INSERT INTO entries SELECT 7, kind, subject_id, actor, at, recorded_at, payload, "
        "'other', previous_hash, hash, signature FROM entries WHERE number = 6"
    ],
    "a signature in capitals": ["UPDATE entries SET signature = upper(signature) WHERE number = 3"],
    "an index dropped": ["DROP INDEX entries_by_key"],
    "a trigger that hides": [
        "CREATE TRIGGER hide AFTER INSERT ON entries BEGIN SELECT 1; END",
    ],
}


@pytest.mark.parametrize("statements", TAMPERED.values(), ids=TAMPERED)
def test_whatever_others_do_to_the_entries_is_found(folder, statements):
    sql(folder, *statements)
    assert reopened(folder).problems()


def test_what_the_ledger_made_itself_has_no_problems(folder):
    assert reopened(folder).problems() == []


def test_the_database_itself_refuses_to_change_or_remove_an_entry(folder):
    with closing(sqlite3.connect(folder / "ledger.db")) as connection:
        for statement in ("DELETE FROM entries", "UPDATE entries SET actor = 'anna'"):
            with pytest.raises(sqlite3.IntegrityError, match="never"):
                connection.execute(statement)


@pytest.mark.parametrize("cut", [1, 3, 6])
def test_nothing_is_appended_to_a_ledger_that_was_cut(folder, cut):
    sql(folder, f"DELETE FROM entries WHERE number > {6 - cut}")
    with pytest.raises(LedgerBrokenError, match="cut off or it was replaced"):
        reopened(folder).append(draft(7))
    assert any("cut off" in problem for problem in reopened(folder).problems())


def test_an_older_copy_of_the_database_is_found_and_not_built_upon(folder, tmp_path):
    shutil.copy(folder / "ledger.db", tmp_path / "older.db")
    ledger = reopened(folder)
    ledger.append(draft(7))
    ledger.close()
    shutil.copy(tmp_path / "older.db", folder / "ledger.db")
    for one in (ledger, reopened(folder)):
        assert any("replaced" in problem for problem in one.problems())
        with pytest.raises(LedgerBrokenError):
            one.append(draft(8))


def test_a_database_that_is_gone_is_no_new_beginning(folder):
    (folder / "ledger.db").unlink()
    assert any("holds no entry" in problem for problem in reopened(folder).problems())
    with pytest.raises(LedgerBrokenError):
        reopened(folder).append(draft(7))
    assert not (folder / "ledger.db").exists()


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[]", b"\xff", b'{"number": 6}'])
def test_a_head_that_is_gone_or_no_head_is_found(folder, content):
    head = folder / "head.json"
    head.unlink() if content is None else head.write_bytes(content)
    assert len(reopened(folder).problems()) == 1
    with pytest.raises(LedgerBrokenError):
        reopened(folder).append(draft(7))


def test_a_head_set_back_together_with_a_cut_needs_the_key(folder):
    head = json.loads((folder / "head.json").read_text())
    third = reopened(folder).entries()[2]
    head |= {"number": 3, "hash": third.hash}
    (folder / "head.json").write_text(json.dumps(head))
    sql(folder, "DELETE FROM entries WHERE number > 3")
    assert any("not signed" in problem for problem in reopened(folder).problems())


def test_entries_signed_with_another_key_are_not_believed(folder, tmp_path):
    other = whole(tmp_path / "other")
    shutil.copy(other / "ledger.key", folder / "ledger.key")
    found = reopened(folder).problems()
    assert sum("not signed with the ledger's key" in problem for problem in found) == 7
    with pytest.raises(LedgerBrokenError, match="not signed"):
        reopened(folder).append(draft(7))
    with pytest.raises(LedgerBrokenError, match="not signed"):
        reopened(folder).entries()


def test_a_ledger_of_another_key_put_in_its_place_is_found(folder, tmp_path):
    other = whole(tmp_path / "other")
    for name in ("ledger.db", "head.json", "ledger.pub"):
        shutil.copy(other / name, folder / name)
    assert any("is not the public half" in problem for problem in reopened(folder).problems())


def test_a_lost_key_is_said_and_no_other_is_made(folder):
    (folder / "ledger.key").unlink()
    assert [problem for problem in reopened(folder).problems() if "is not there" in problem]
    with pytest.raises(LedgerBrokenError, match="bring it back"):
        reopened(folder).append(draft(7))
    assert len(reopened(folder).entries()) == 6


def test_a_forged_entry_is_never_handed_to_who_acts_on_it(folder):
    sql(folder, "UPDATE entries SET kind = 'approved' WHERE number = 4")
    ledger = reopened(folder)
    with pytest.raises(LedgerBrokenError, match="Entry 4 was changed"):
        ledger.entries("proposal-0")
    assert len(ledger.entries("proposal-1")) == 3


def test_a_change_behind_the_back_of_a_running_process_is_found(folder):
    ledger = reopened(folder)
    assert ledger.problems() == []
    sql(folder, "UPDATE entries SET actor = 'anna' WHERE number = 2")
    assert ledger.problems()
    with pytest.raises(LedgerBrokenError):
        ledger.entries("proposal-0")


@settings(max_examples=150)
@given(where=st.integers(0, 10**9), flip=st.integers(1, 255), run=st.integers(1, 64))
def test_bytes_changed_anywhere_in_the_database_are_found_or_change_nothing(
    six, tmp_path_factory, where, flip, run
):
    """Room in pages that nothing uses may change; then every entry is still what it was."""
    folder = Path(shutil.copytree(six, tmp_path_factory.mktemp("flip") / "ledger"))
    path = folder / "ledger.db"
    content = bytearray(path.read_bytes())
    for place in range(where % len(content), min(where % len(content) + run, len(content))):
        content[place] ^= flip
    path.write_bytes(content)
    if not reopened(folder).problems():
        told = [entry.payload["number"] for entry in reopened(folder).entries()]
        assert told == [1, 2, 3, 4, 5, 6]


@settings(max_examples=60)
@given(where=st.integers(0, 10**9), flip=st.integers(1, 255))
def test_every_byte_of_the_head_counts(six, tmp_path_factory, where, flip):
    folder = Path(shutil.copytree(six, tmp_path_factory.mktemp("head") / "ledger"))
    path = folder / "head.json"
    content = bytearray(path.read_bytes())
    content[where % len(content)] ^= flip
    path.write_bytes(content)
    assert reopened(folder).problems()


COLUMNS = ("kind", "subject_id", "actor", "at", "recorded_at", "payload", "key",
           "previous_hash", "hash", "signature")  # fmt: skip


@settings(max_examples=120)
@given(
    number=st.integers(1, 6),
    column=st.sampled_from(COLUMNS),
    text=st.text(st.characters(codec="utf-8"), max_size=80),
    is_kept=st.booleans(),
)
def test_any_other_text_in_any_field_of_any_entry_is_found(
    six, tmp_path_factory, number, column, text, is_kept
):
    folder = Path(shutil.copytree(six, tmp_path_factory.mktemp("field") / "ledger"))
    before = next(one for one in reopened(folder).entries() if one.number == number)
    stood = json.dumps(before.payload, separators=(",", ":"))
    stood = stood if column == "payload" else str(entry_json(before)[column])
    other = f"{stood}{text}" if is_kept else text
    with closing(sqlite3.connect(folder / "ledger.db", isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER entries_stay_so")
        try:
            connection.execute(f"UPDATE entries SET {column} = ? WHERE number = ?", (other, number))
        except sqlite3.IntegrityError:
            return
        connection.execute(sqlite_ledger._SCHEMA["entries_stay_so"])
    assert bool(reopened(folder).problems()) == (other != stood)


@settings(max_examples=60)
@given(order=st.permutations(range(1, 7)), left=st.integers(0, 6))
def test_any_order_and_any_part_but_the_whole_is_found(six, tmp_path_factory, order, left):
    folder = Path(shutil.copytree(six, tmp_path_factory.mktemp("order") / "ledger"))
    moves = [
        f"UPDATE entries SET number = {100 + place} WHERE number = {number}"
        for place, number in enumerate(order, start=1)
    ]
    sql(folder, *moves, "UPDATE entries SET number = number - 100",
        f"DELETE FROM entries WHERE number > {left}")  # fmt: skip
    is_whole = list(order) == [1, 2, 3, 4, 5, 6] and left == 6
    assert bool(reopened(folder).problems()) != is_whole


# Death and crowds.


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
        opened = sqlite_ledger._opened
        sqlite_ledger._opened = lambda path: DyingConnection(opened(path), dying)
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
    opened = sqlite_ledger._opened

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
        broken.setattr(sqlite_ledger, "_opened", Full)
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
