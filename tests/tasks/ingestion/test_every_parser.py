"""Every reader on a fixed set of mutated inputs: nothing crashes, nothing is lost in silence.

`python -m tests.fuzzing` runs the same readers for an hour, guided by coverage.
"""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semantic_layer.errors import InputError
from semantic_layer.identity import format_dn, joined_dn, normalized_dn, parse_dn
from tasks.ingestion.delivered_json import BrokenJson, values_of
from tasks.ingestion.measurements.delivered_periods import span_of_name
from tests.fuzzing.mutations import mutated
from tests.fuzzing.target import holds_nothing
from tests.fuzzing.targets import TARGETS

INPUTS = {"definitions": 3, "names": 8, "contracts": 8, "mapping_files": 12, "zip_records": 12}
"""How many inputs of targets that take long each; of others, `MOST`."""

MOST = 20


@pytest.mark.parametrize("name", TARGETS)
def test_a_seed_is_read_and_what_is_made_of_it_is_read_or_told(tmp_path, name):
    target = TARGETS[name]
    rng = random.Random(name)  # noqa: S311
    seeds = target.seeds()
    assert seeds
    made = (
        mutated(rng.choice(seeds), target.shape, rng, target.tokens)[: target.longest]
        for _ in range(INPUTS.get(name, MOST))
    )
    inputs = [*seeds[:4], *made]
    for data in inputs:
        outcome = target.read(data, tmp_path)
        assert not outcome.is_silent or target.silence_is_fine or holds_nothing(data)


@pytest.mark.parametrize("name", [name for name in TARGETS if name not in {"names", "file_names"}])
def test_a_sound_seed_is_told(tmp_path, name):
    target = TARGETS[name]
    assert any(target.read(data, tmp_path).told for data in target.seeds()[:4])


def test_mutations_of_one_seed_are_the_same_again():
    target = TARGETS["nrm"]
    first, second = (
        [mutated(target.seeds()[0], "json", random.Random(7), target.tokens) for _ in range(3)]  # noqa: S311
        for _ in range(2)
    )
    assert first == second


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(st.lists(VALUES.filter(lambda it: not isinstance(it, list)), max_size=6), st.booleans())
@settings(deadline=None, max_examples=100)
def test_values_are_read_one_by_one_listed_or_a_line_each(values, is_listed):
    dumped = [json.dumps(value) for value in values]
    content = f"[{','.join(dumped)}]" if is_listed else "\n".join(dumped)
    assert [found.value for found in values_of(content.encode())] == values


@given(st.lists(VALUES, max_size=5), st.integers(0, 400))
@settings(deadline=None, max_examples=100)
def test_a_list_that_is_cut_off_gives_what_came_before_and_says_so(values, at):
    content = json.dumps(values).encode()
    found = list(values_of(content[: min(at, len(content) - 1)]))
    assert len([it for it in found if isinstance(it, BrokenJson)]) == int(at > 0)
    told = [it.value for it in found if not isinstance(it, BrokenJson)]
    # A number may be cut within: it is a number still.
    assert told[:-1] == values[: max(len(told) - 1, 0)]


RDNS = st.tuples(
    st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=5),
    st.text(min_size=1, max_size=8).filter(lambda it: "\x00" not in it),
)


@given(st.lists(RDNS, min_size=1, max_size=4))
@settings(deadline=None, max_examples=100)
def test_any_name_is_read_as_it_was_written(steps):
    assert list(parse_dn(format_dn(steps))) == steps


@given(st.text(max_size=30), st.text(max_size=12), st.text(max_size=30))
@settings(deadline=None, max_examples=100)
def test_any_three_parts_make_a_name_or_a_told_error(prefix, element, local):
    try:
        joined = joined_dn(prefix, element, local)
    except InputError:
        return
    assert joined == "" or normalized_dn(joined)


@given(
    st.from_regex(
        r"[AC][0-9]{8}\.[0-9]{4}[+-][0-9]{4}-([0-9]{8}\.)?[0-9]{4}[+-][0-9]{4}_x", fullmatch=True
    )
)
@settings(deadline=None, max_examples=100)
def test_any_name_of_a_file_says_a_span_or_none(name):
    span = span_of_name(f"{name}.xml")
    assert span is None or span.start < span.end
