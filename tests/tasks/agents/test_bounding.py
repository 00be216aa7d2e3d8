"""Results fit their bounds whatever a tool gives, and are left alone where they fit."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.agents.bounding import CUT, bounded, cut
from tasks.agents.tools import ToolDefinition, ToolResult
from tasks.messages.canonical import canonical_json

DEFINITION = ToolDefinition(
    name="read_kpis",
    description="Tells how cells do.",
    risk="read",
    callers=("healing_agent",),
    reaches=("cell_kpis",),
    most_rows=5,
    most_chars=400,
)
TEXT = st.text(st.characters(), max_size=600)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | TEXT
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)  # fmt: skip
ROWS = st.lists(st.dictionaries(TEXT, VALUE, max_size=4), max_size=9)


def longest(value):
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return max((longest(one) for pair in value.items() for one in pair), default=0)
    if isinstance(value, list | tuple):
        return max((longest(one) for one in value), default=0)
    return 0


@given(ROWS, TEXT, st.lists(TEXT, max_size=3))
def test_whatever_a_tool_gives_fits_its_bounds_and_comes_back_from_a_file(rows, says, sources):
    given_ = ToolResult(tuple(rows), says, tuple(sources))
    found = bounded(given_, DEFINITION)
    assert len(found.rows) <= DEFINITION.most_rows
    assert len(canonical_json(list(found.rows))) <= DEFINITION.most_chars
    assert longest(list(found.rows)) <= DEFINITION.most_chars // 2
    assert json.loads(canonical_json(list(found.rows)).encode()) == list(found.rows)
    assert found.is_cut or list(found.rows) == rows
    if found.is_cut:
        assert list(found.rows) != rows


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.integers(0, 99)), max_size=5))
def test_what_fits_is_left_alone(rows):
    found = bounded(ToolResult(tuple(rows), "says", ("a@1",)), DEFINITION)
    assert found == ToolResult(tuple(rows), "says", ("a@1",))


@pytest.mark.parametrize(
    ("row", "kept"),
    [
        pytest.param({"text": "x" * 500}, {"text": "x" * 199 + CUT}, id="a long string"),
        pytest.param({"l": ["y" * 300]}, {"l": ["y" * 199 + CUT]}, id="a long string in a list"),
        pytest.param({"half": "\ud800"}, {"half": "?"}, id="half a character"),
    ],
)
def test_strings_are_cut_and_say_so(row, kept):
    found = bounded(ToolResult((row,), ""), DEFINITION)
    assert found.rows == (kept,)
    assert found.is_cut


def test_values_nested_without_end_are_cut_off():
    value = "deep"
    for _ in range(5000):
        value = [value]
    (row,) = bounded(ToolResult(({"v": value},), ""), DEFINITION).rows
    assert CUT in canonical_json(row)


def test_a_tool_that_reads_texts_by_others_says_so_on_every_result():
    untrusted = DEFINITION.model_copy(update={"is_untrusted": True})
    assert bounded(ToolResult((), ""), untrusted).is_untrusted
    assert bounded(ToolResult((), "", is_untrusted=True), DEFINITION).is_untrusted
    assert not bounded(ToolResult((), ""), DEFINITION).is_untrusted


def test_a_cut_text_is_never_longer_than_asked_for():
    assert cut("abcdef", 4) == f"abc{CUT}"
    assert cut("abcd", 4) == "abcd"
