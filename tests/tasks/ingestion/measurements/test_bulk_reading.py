"""Reading in bulk says exactly what reading element by element says, whatever the file."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.ingestion.measurements.measured_blocks import _column_of_position, _known_columns
from tasks.ingestion.measurements.measurement_files import events
from tasks.ingestion.measurements.measurement_runs import ValueRun, runs
from tests.tasks.ingestion.written import info, listed, measurement_file, outcome, value

_TEXTS = st.sampled_from(
    [
        "0",
        "17",
        "-2.5",
        "1e3",
        "",
        "NIL",
        "1,2,3",
        " 8 ",
        "\n9\t",
        "x",
        "1e999",
        "&amp;",
        "ä",
        "]]>",
    ]
)
_LDNS = st.sampled_from(
    ["X=1", "GNBDUFunction=1,NRCellDU=3", "X=&quot;2&quot;", "X=ä", "X='1'", "", "X=a  b", "X=a\tb"]
)
_POSITIONS = st.sampled_from(["1", "2", "3", "03", "x", "-1", " 1", "99999999999"])
_SPACES = st.sampled_from(["", "\n", "\r\n", "  ", "stray", "<!-- > -->", "<?pi ?>", "<new/>"])
_FLAGS = st.sampled_from(["true", "false", "TRUE", "0", " true ", "maybe", ""])


@st.composite
def results(draw):
    if draw(st.booleans()):
        words = draw(st.lists(_TEXTS, max_size=4))
        return f"<measResults>{' '.join(words)}</measResults>"
    parts = []
    for _ in range(draw(st.integers(0, 4))):
        p, text = draw(_POSITIONS), draw(_TEXTS)
        parts.append(
            draw(
                st.sampled_from(
                    [
                        f'<r p="{p}">{text}</r>',
                        f"<r p='{p}'>{text}</r >",
                        f'<r p="{p}"/>',
                        f'<r  p = "{p}" >{text}</r>',
                        f'<r p="{p}" q="1">{text}</r>',
                        f"<r>{text}</r>",
                    ]
                )
            )
        )
        parts.append(draw(_SPACES))
    return "".join(parts)


@st.composite
def values(draw):
    flag = f"<suspect>{draw(_FLAGS)}</suspect>" if draw(st.booleans()) else ""
    ldn = f' measObjLdn="{draw(_LDNS)}"' if draw(st.integers(0, 9)) else ""
    return f"<measValue{ldn}>{draw(results())}{flag}</measValue>{draw(_SPACES)}"


@st.composite
def files(draw):
    infos = []
    for _ in range(draw(st.integers(1, 3))):
        types = draw(st.sampled_from([["a", "b", "c"], "a b c", [], ["a", " b "], ["a", "a"]]))
        infos.append(info(types, "".join(draw(st.lists(values(), max_size=5)))))
    text = measurement_file(*infos)
    for _ in range(draw(st.integers(0, 1))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(["<", ">", "&", '"', "</r>", "\x00"])) + text[at:]
    return text


@settings(max_examples=400, deadline=None)
@given(files(), st.sampled_from([1, 7, 64, 1 << 20]))
def test_in_bulk_and_one_by_one_say_the_same_of_any_file(text, piece):
    at_once = outcome(text, in_bulk=True)
    one_by_one = outcome(text, in_bulk=False)
    assert at_once == one_by_one
    in_pieces = outcome(text, in_bulk=True, piece=max(piece, len(text) // 50))
    if isinstance(one_by_one, list):
        assert in_pieces == one_by_one
    else:
        assert in_pieces[0] == "refused"


def test_most_of_a_usual_file_is_read_in_bulk():
    text = measurement_file(
        info(["a", "b"], "".join(value(f"X={n}", [(1, "1"), (2, "2")]) for n in range(100))),
        info("a b", "".join(listed(f"X={n}", "3 4") for n in range(100)), name="listed"),
    ).encode()
    found = [run for run in runs(text[text.index(b"<measData>") :]) if isinstance(run, ValueRun)]
    assert [len(run.objects) for run in found] == [100, 100]
    assert [int(run.numbers.sum()) for run in found] == [300, 700]


@pytest.mark.parametrize("seed", range(4))
def test_a_large_file_says_the_same_in_pieces_of_any_size(seed):
    chance = random.Random(seed)  # noqa: S311 - a story, not a secret
    types = [f"T.{n}" for n in range(30)]
    cells = "".join(
        value(
            f"GNBDUFunction=1,NRCellDU={cell}",
            [(p, chance.choice(["0", "12.5", "1,2,3", "", "NIL"])) for p in range(1, 31)],
            chance.choice(["", "true", "false"]),
        )
        for cell in range(200)
    )
    text = measurement_file(info(types, cells), info(types, cells, name="again"))
    whole = outcome(text, in_bulk=False)
    for _ in range(5):
        assert outcome(text, in_bulk=True, piece=chance.randint(500, 90_000)) == whole


def test_a_comment_in_the_body_ends_bulk_reading_but_nothing_is_lost():
    hidden = value("X=2", [(1, "2")])
    body = value("X=1", [(1, "1")]) + f"<!-- {hidden} -->" + value("X=3", [(1, "3")])
    text = measurement_file(info(["a"], body))
    told = outcome(text, in_bulk=True)
    assert told == outcome(text, in_bulk=False)
    assert "X=2" not in repr(told)


def test_elements_of_another_namespace_are_not_taken_for_ours():
    body = f'<other xmlns="urn:x">{value("X=9", [(1, "9")])}</other>' + value("X=1", [(1, "1")])
    text = measurement_file(info(["a"], body))
    told = outcome(text, in_bulk=True)
    assert told == outcome(text, in_bulk=False)
    assert "X=9" not in repr(told)


def test_values_are_the_same_objects_in_the_same_order_when_read_from_pieces_of_pieces():
    cells = "".join(listed(f"X={n}", f"{n} {n + 1}") for n in range(50))
    content = measurement_file(info("a b", cells)).encode()
    whole = [event.objects for event in events([content]) if hasattr(event, "objects")]
    cut = [
        event.objects
        for event in events(content[at : at + 333] for at in range(0, len(content), 333))
        if hasattr(event, "objects")
    ]
    assert [name for names in cut for name in names] == [name for names in whole for name in names]


@pytest.mark.parametrize("mark", ["\r", "\r\n", "\n\r", "\r\r\n"])
def test_lines_are_counted_alike_whatever_ends_them(mark):
    whole = measurement_file(info(["a"], value("c", [(1, "2")])), info(["a"], value("d", [])))
    text = whole.replace("\n", mark)
    assert outcome(text, in_bulk=True) == outcome(text, in_bulk=False)


def test_what_is_remembered_of_files_is_bounded():
    def tables(position):
        return _column_of_position((("1", "a"), (str(position), "b")), None)[0].nbytes

    before = _known_columns.cache_info().currsize
    assert tables(1_000_000) > 8_000_000
    assert _known_columns.cache_info().currsize == before
    tables(9_999)
    assert _known_columns.cache_info().currsize == before + 1


def test_a_counter_named_twice_among_many_is_found_in_time():
    types = tuple((str(p), f"c{min(p, 19_998)}") for p in range(1, 20_001))
    assert "names the counter 'c19998' twice" in _column_of_position(types, None)[1]
