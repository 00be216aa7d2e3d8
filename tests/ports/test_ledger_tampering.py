"""A ledger on disk in other hands: whatever they do to it is found.

Each story leaves a ledger of six entries in a state that the ledger itself never made.
"""

# ruff: noqa: S608 - statements are put together from constants and numbers

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.adapters import ledger_database
from tasks.adapters.ledger_seal import LedgerBrokenError, entry_json
from tests.ports.ledger_world import draft, kept, reopened


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


@pytest.mark.slow  # hundreds of ledgers on disk
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


@pytest.mark.slow  # hundreds of ledgers on disk
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


@pytest.mark.slow  # hundreds of ledgers on disk
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
        connection.execute(ledger_database.SCHEMA["entries_stay_so"])
    assert bool(reopened(folder).problems()) == (other != stood)


@pytest.mark.slow  # hundreds of ledgers on disk
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
