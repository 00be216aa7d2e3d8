"""What every transcript store does: keeps events in order, and tells what was changed."""

import json
import multiprocessing

import pytest

from semantic_layer.errors import InputError
from tasks.adapters.file_transcripts import FileTranscripts
from tasks.adapters.memory_transcripts import InMemoryTranscripts
from tasks.adapters.transcript_lines import FIRST, events_of, lines_of

EVENTS = [
    {"number": 1, "kind": "run_began", "content": {"text": "é\u2028\n\x00", "n": 1.5}},
    {"number": 2, "kind": "tool_called", "content": {"rows": [{"a": None}]}},
    {"number": 3, "kind": "run_ended", "content": {"events": 3}},
]
HOSTILE_IDS = ["", ".", "..", "../other", "a/b", "a\\b", "-rf", ".hidden", "a\0b", "x" * 200,
               "a b", "run\n", "a..b", "é", "con/../aux"]  # fmt: skip


@pytest.fixture(params=["memory", "files"])
def store(request, tmp_path):
    return InMemoryTranscripts() if request.param == "memory" else FileTranscripts(tmp_path / "t")


class TestEveryStore:
    def test_events_come_back_in_order_and_as_they_were(self, store):
        store.append("run-1", EVENTS[:1])
        store.append("run-1", EVENTS[1:])
        store.append("run-2", EVENTS)
        assert store.read("run-1") == EVENTS
        assert store.runs() == ["run-1", "run-2"]

    def test_an_unknown_run_is_no_empty_one(self, store):
        assert store.runs() == []
        with pytest.raises(InputError, match="No transcript of run 'run-9'"):
            store.read("run-9")
        store.append("run-9", [])
        assert store.runs() == []

    @pytest.mark.parametrize("run_id", HOSTILE_IDS)
    def test_ids_that_are_no_file_names_are_refused(self, store, run_id):
        with pytest.raises(InputError, match="No run id"):
            store.append(run_id, EVENTS)
        with pytest.raises(InputError, match="No run id"):
            store.read(run_id)
        assert store.runs() == []

    @pytest.mark.parametrize("number", [1, 3, 5])
    def test_events_that_do_not_follow_are_another_run_s(self, store, number):
        store.append("run-1", EVENTS[:1])
        with pytest.raises(InputError, match="another run bears this id"):
            store.append("run-1", [{"number": number}])
        store.append("run-1", EVENTS[1:])
        assert store.read("run-1") == EVENTS

    def test_a_run_that_goes_on_is_not_whole(self, store):
        store.append("run-1", EVENTS[:2])
        with pytest.raises(InputError, match="has no end: after event 2"):
            store.read("run-1")

    @pytest.mark.parametrize("event", [{"v": float("nan")}, {"v": object()}])
    def test_what_is_no_json_is_refused_and_leaves_nothing(self, store, event):
        with pytest.raises(InputError, match="JSON"):
            store.append("run-1", [event])
        assert store.runs() == []


class TestTamperedFiles:
    @pytest.fixture
    def path(self, tmp_path):
        FileTranscripts(tmp_path).append("run-1", EVENTS)
        return tmp_path / "run-1.ndjson"

    def told(self, path, lines):
        path.write_text("".join(f"{line}\n" for line in lines))
        with pytest.raises(InputError) as error:
            FileTranscripts(path.parent).read("run-1")
        return str(error.value)

    def test_each_changed_removed_moved_or_doubled_line_is_told_by_its_number(self, path):
        lines = path.read_text().splitlines()
        for place in range(len(lines)):
            changed = lines.copy()
            changed[place] = changed[place].replace('"number":', '"nunber":')
            assert f"Line {place + 1}" in self.told(path, changed)
            removed = lines[:place] + lines[place + 1 :]
            is_last = place == len(lines) - 1
            expected = "has no end" if is_last else f"Line {place + 1}"
            assert expected in self.told(path, removed)
            doubled = [*lines[: place + 1], *lines[place:]]
            assert f"Line {place + 2}" in self.told(path, doubled)
        assert "Line 1" in self.told(path, lines[::-1])

    def test_a_line_with_a_new_hash_of_its_own_breaks_the_next(self, path):
        lines = path.read_text().splitlines()
        (forged,) = lines_of([{**EVENTS[1], "kind": "chosen"}], json.loads(lines[0])["hash"])
        assert "Line 3" in self.told(path, [lines[0], forged, lines[2]])

    def test_every_cut_inside_the_last_line_is_told_as_torn(self, path):
        text = path.read_text()
        start = text.rstrip("\n").rfind("\n") + 1
        for end in range(start + 1, len(text)):
            path.write_text(text[:end])
            with pytest.raises(InputError, match="torn line, 3; the 2 before"):
                FileTranscripts(path.parent).read("run-1")
        with pytest.raises(InputError, match="torn"):
            FileTranscripts(path.parent).append("run-1", [{"number": 4}])

    def test_a_rechained_transcript_that_lacks_events_is_told_by_their_count(self, path):
        lines = lines_of([EVENTS[0], {**EVENTS[2], "number": 2}])
        assert "says 3 events and holds 2" in self.told(path, lines)

    @pytest.mark.parametrize("line", ["[]", "null", "{}", "not json", '{"event": 1}'])
    def test_what_is_no_line_is_told(self, path, line):
        assert "Line 1" in self.told(path, [line])

    def test_a_file_says_what_it_is_without_the_store(self, path):
        assert events_of(path.read_text(), path.name) == EVENTS
        assert json.loads(path.read_text().splitlines()[0])["previous_hash"] == FIRST


def write_run(folder, number, gate):
    gate.wait()
    store = FileTranscripts(folder)
    for run in range(20):
        try:
            store.append(f"run-{run}", [{"number": 1, "by": number}, {"number": 2, "by": number}])
        except InputError:
            continue


def test_of_two_processes_with_one_id_one_wins_wholly(tmp_path):
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(2)
    both = [context.Process(target=write_run, args=(tmp_path, number, gate)) for number in (1, 2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    store = FileTranscripts(tmp_path)
    assert len(store.runs()) == 20
    for run in store.runs():
        events = store.read(run)
        assert len({event["by"] for event in events}) == 1
        assert len(events) == 2
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "t").write_text("a file")
    with pytest.raises(InputError, match="cannot be written"):
        FileTranscripts(tmp_path / "t").append("run-1", EVENTS)
