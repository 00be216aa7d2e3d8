"""Communities are bounded groups of sites that hand users to each other, whatever the order."""

from hypothesis import given
from hypothesis import strategies as st

from tasks.guardrails.communities import communities

SITE_OF = {f"{site}{cell}": site for site in "ABCDEF" for cell in (1, 2)}


def test_sites_that_share_most_neighbors_join_first():
    neighbors = {"A1": ["B1", "B2"], "B1": ["A1"], "C1": ["B2"], "D1": ["E1"]}
    found = communities(SITE_OF, neighbors, 2)
    assert {found["A1"], found["B2"]} == {"A"}
    assert (found["C1"], found["D2"], found["E1"], found["F1"]) == ("C", "D", "D", "F")


LISTS = st.dictionaries(
    st.sampled_from(sorted(SITE_OF)), st.lists(st.sampled_from(sorted(SITE_OF)), max_size=5)
)


@given(LISTS, st.integers(1, 6), st.randoms(use_true_random=False))
def test_they_are_bounded_and_do_not_depend_on_order(neighbors, most, random):
    found = communities(SITE_OF, neighbors, most)
    sites = {name: {SITE_OF[dn] for dn in found if found[dn] == name} for name in found.values()}
    assert max(len(group) for group in sites.values()) <= most
    cells, lists = list(SITE_OF.items()), list(neighbors.items())
    random.shuffle(cells)
    random.shuffle(lists)
    assert communities(dict(cells), dict(lists), most) == found
    assert all(found[f"{site}1"] == found[f"{site}2"] for site in "ABCDEF")
