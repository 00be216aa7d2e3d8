"""What every ledger promises, and how the one on disk keeps its key."""

import json
import threading
import time
from datetime import timedelta, timezone
from itertools import pairwise

import pytest

from semantic_layer.errors import InputError
from tasks.adapters.ledger_seal import (
    NO_HASH,
    LedgerSeal,
    chain_problems,
    entry_json,
    entry_of,
)
from tasks.adapters.memory_ledger import MemoryLedger
from tasks.messages.ledger import EntryDraft
from tests.ports.ledger_world import AT, OneClock, draft, kept


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
