"""History from snapshots: in order, late, twice; against a loop that keeps every snapshot."""

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from data_products.network_configuration.derive import configuration_at, derive
from data_products.product import TIME

START = datetime(2026, 3, 1, tzinfo=UTC)
HISTORY = {
    "managed_object_dn": pl.String(), "attribute": pl.String(), "valid_from": TIME,
    "value": pl.String(), "is_removed": pl.Boolean(),
}  # fmt: skip
LOOKS = {
    "root_dn": pl.String(),
    "taken_at": TIME,
    "is_whole": pl.Boolean(),
    "source_file": pl.String(),
}
ROOTS = ("ManagedElement=1", "ManagedElement=2", r"ManagedElement=a\,b")


def at(hour):
    return START + timedelta(hours=hour)


def applied(history, looks, snapshots):
    """Return history and looks after some snapshots: (root, hour, {object: {attribute: value}})."""
    seen = [
        (dn, name, at(hour), value)
        for _, hour, objects in snapshots
        for dn, attributes in objects.items()
        for name, value in {"objectClass": "X", **attributes}.items()
    ]
    columns = ["managed_object_dn", "attribute", "valid_from", "value"]
    rows = pl.DataFrame(seen, schema={name: HISTORY[name] for name in columns}, orient="row")
    new = pl.DataFrame(
        [(root, at(hour), True, f"{hour}.xml") for root, hour, _ in snapshots],
        schema=LOOKS,
        orient="row",
    )
    return derive(history, looks, rows, new), pl.concat([looks, new]).unique()


def nothing():
    return pl.DataFrame(schema=HISTORY), pl.DataFrame(schema=LOOKS)


def naive(snapshots):
    """Return the changes when every snapshot is kept and compared with the one before it."""
    last = {}
    for root, hour, objects in snapshots:
        last[root, hour] = objects
    changes = set()
    for root in ROOTS:
        before = {}
        for hour in sorted(hour for one, hour in last if one == root):
            now = {
                (dn, name): value
                for dn, attributes in last[root, hour].items()
                for name, value in {"objectClass": "X", **attributes}.items()
            }
            for key in before.keys() | now.keys():
                if key not in now:
                    changes.add((*key, at(hour), None, True))
                elif key not in before or before[key] != now[key]:
                    changes.add((*key, at(hour), now[key], False))
            before = now
    return changes


def told(history):
    columns = ["managed_object_dn", "attribute", "valid_from", "value", "is_removed"]
    return set(history.select(columns).iter_rows())


@st.composite
def snapshot(draw):
    root = draw(st.sampled_from(ROOTS))
    values = st.sampled_from(["a", "b", None])
    attributes = st.dictionaries(st.sampled_from(["p", "q"]), values)
    names = st.sampled_from([root, f"{root},X=1", f"{root},X=2"])
    return root, draw(st.integers(0, 6)), draw(st.dictionaries(names, attributes))


@given(st.lists(st.lists(snapshot(), max_size=4), max_size=5))
@settings(deadline=None, max_examples=80)
def test_snapshots_in_any_order_and_grouping_give_the_history_of_comparing_them_all(groups):
    groups = [
        list({(root, hour): (root, hour, it) for root, hour, it in group}.values())
        for group in groups
    ]
    history, looks = nothing()
    for group in groups:
        history, looks = applied(history, looks, group)
    assert told(history) == naive([one for group in groups for one in group])
    again, _ = applied(history, looks, groups[-1] if groups else [])
    assert told(again) == told(history)


def test_a_late_snapshot_moves_only_the_change_that_follows_it():
    early, middle, late = (
        ("ManagedElement=1", hour, {"ManagedElement=1": {"p": value, "q": "same"}})
        for hour, value in ((0, "a"), (2, "b"), (4, "b"))
    )
    history, looks = applied(*nothing(), [early])
    history, looks = applied(history, looks, [late])
    before = told(history)
    history, looks = applied(history, looks, [middle])
    assert before - told(history) == {("ManagedElement=1", "p", at(4), "b", False)}
    assert told(history) - before == {("ManagedElement=1", "p", at(2), "b", False)}


def test_what_a_later_snapshot_had_seen_stands_as_a_change_behind_a_late_one():
    one = {"ManagedElement=1": {"p": "a"}}
    history, looks = applied(
        *nothing(), [("ManagedElement=1", 0, one), ("ManagedElement=1", 4, one)]
    )
    history, looks = applied(
        history, looks, [("ManagedElement=1", 2, {"ManagedElement=1": {"p": "x"}})]
    )
    of_p = history.filter(pl.col("attribute") == "p").sort("valid_from")
    assert of_p.select("valid_from", "value").rows() == [
        (at(0), "a"), (at(2), "x"), (at(4), "a")
    ]  # fmt: skip


def test_a_snapshot_of_one_element_says_nothing_of_another():
    first = [(root, 0, {root: {"p": "a"}}) for root in ROOTS[:2]]
    history, looks = applied(*nothing(), first)
    history, looks = applied(history, looks, [("ManagedElement=1", 1, {})])
    standing = configuration_at(history, at(1))
    assert standing["managed_object_dn"].unique().to_list() == ["ManagedElement=2"]


def test_numbers_are_numbers_and_the_rest_is_null():
    attributes = {"p": "1.50", "q": "NaN", "r": "LOCKED"}
    history, _ = applied(*nothing(), [("ManagedElement=1", 0, {"ManagedElement=1": attributes})])
    numbers = dict(history.select("attribute", "value_number").iter_rows())
    assert numbers == {"objectClass": None, "p": 1.5, "q": None, "r": None}
