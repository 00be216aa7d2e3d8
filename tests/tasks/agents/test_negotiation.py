"""Agents of neighboring communities and other domains agree in bounded rounds, or say what holds.

Two real uses: communities that both want to change cells at their border, and the radio domain that
asks transport and core whether they explain a drop.
"""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantic_layer.errors import InputError
from tasks.agents.negotiation import Said, negotiate
from tests.tasks.agents.doubles import Agency


class Heard:
    def __init__(self):
        self.told = []

    def post(self, kind, content):
        self.told.append((kind, content))


@dataclass(frozen=True)
class Community:
    """Wants changes of border cells; yields to a higher priority, on equal ones to the first name.

    A cell has one change or none. It offers its own, accepts what outranks it, refuses the rest.
    """

    name: str
    neighbors: tuple[str, ...]
    wants: dict = field(default_factory=dict)  # cell -> (priority, change)
    yields: bool = True
    domain: str = "ran"

    def holds(self, topic):
        priority, change = self.wants.get(topic, (0, "none"))
        return {"priority": priority, "change": change}

    def rank(self, topic):
        return (-self.wants[topic][0] if topic in self.wants else 1, self.name)

    def turn(self, heard):
        said = [one for one in heard if one.sender == self.name]
        offered = {(one.said.to, one.said.topic) for one in said if one.said.kind == "offer"}
        answered = {one.said.replies_to for one in said}
        mine = [
            Said(to, "offer", cell, self.holds(cell))
            for cell in sorted(self.wants)
            for to in self.neighbors
            if (to, cell) not in offered
        ]
        replies = [
            Said(one.sender, self._answer(one), one.said.topic, {}, one.number)
            for one in heard
            if one.said.to == self.name and one.said.kind == "offer" and one.number not in answered
        ]
        return [*mine, *replies]

    def _answer(self, offer):
        theirs = (-offer.said.facts["priority"], offer.sender)
        return "accept" if self.yields and theirs < self.rank(offer.said.topic) else "refuse"


@dataclass(frozen=True)
class RadioAnalyst:
    """Asks which domain explains a drop; offers the first cause that fits as the explanation."""

    drop_start: int
    others: tuple[str, ...] = ("core", "transport")
    name: str = "ran"
    domain: str = "ran"

    def holds(self, topic):
        return {"drop_start": self.drop_start, "topic": topic}

    def turn(self, heard):
        if not heard:
            return [
                Said(other, "ask", "explain_drop", {"since": self.drop_start})
                for other in self.others
            ]
        answers = [one for one in heard if one.said.kind == "answer"]
        offered = any(one.said.kind == "offer" for one in heard)
        fits = sorted(
            (one.said.facts["began"], one.sender)
            for one in answers
            if one.said.facts["began"] is not None and one.said.facts["began"] <= self.drop_start
        )
        if offered or not fits:
            return []
        began, cause = fits[-1]  # the latest before the drop stands nearest to it
        return [Said(cause, "offer", "explain_drop", {"cause": cause, "began": began})]


@dataclass(frozen=True)
class Witness:
    """Answers when a fault of its domain began, and agrees to be the cause if it was one."""

    name: str
    began: int | None

    @property
    def domain(self):
        return self.name

    def holds(self, topic):
        return {"began": self.began, "topic": topic}

    def turn(self, heard):
        done = {one.said.replies_to for one in heard if one.sender == self.name}
        replies = []
        for one in heard:
            if one.sender == self.name or one.number in done:
                continue
            if one.said.kind == "ask":
                facts = {"began": self.began}
                replies.append(Said(one.sender, "answer", one.said.topic, facts, one.number))
            elif one.said.kind == "offer":
                kind = "accept" if one.said.facts["began"] == self.began else "refuse"
                replies.append(Said(one.sender, kind, one.said.topic, {}, one.number))
        return replies


def border(**wants):
    first = Community("community_1", ("community_2",), wants.get("first", {}))
    second = Community("community_2", ("community_1",), wants.get("second", {}))
    return [first, second]


class TestNeighborsAtABorder:
    def test_the_higher_priority_is_agreed_whoever_is_named_first(self):
        told = negotiate(
            border(first={"cell": (1, "tilt")}, second={"cell": (3, "restart")}), Heard()
        )
        assert told.agreed == {"cell": {"priority": 3, "change": "restart"}}
        assert not told.undecided
        assert not told.is_cut_off
        assert told.rounds == 2

    def test_cells_that_only_one_wants_are_its_own(self):
        told = negotiate(border(first={"a": (1, "tilt")}, second={"b": (1, "restart")}), Heard())
        assert {topic: terms["change"] for topic, terms in told.agreed.items()} == {
            "a": "tilt", "b": "restart",
        }  # fmt: skip

    def test_where_nobody_yields_each_side_s_hold_is_told(self):
        stubborn = [
            Community("community_1", ("community_2",), {"cell": (2, "tilt")}, yields=False),
            Community("community_2", ("community_1",), {"cell": (2, "restart")}, yields=False),
        ]
        told = negotiate(stubborn, Heard())
        assert told.agreed == {}
        assert told.undecided["cell"]["community_1"]["change"] == "tilt"
        assert told.undecided["cell"]["community_2"]["change"] == "restart"

    def test_a_third_that_was_offered_it_must_agree_too(self):
        names = ("community_1", "community_2", "community_3")
        parties = [
            Community(
                name,
                tuple(other for other in names if other != name),
                {"cell": (3, "tilt")} if name == "community_1" else {},
                yields=name != "community_3",
            )
            for name in names
        ]
        told = negotiate(parties, Heard())
        assert told.agreed == {}
        assert set(told.undecided["cell"]) == set(names)

    @given(
        st.dictionaries(st.sampled_from("abcd"), st.integers(0, 3), max_size=4),
        st.dictionaries(st.sampled_from("abcd"), st.integers(0, 3), max_size=4),
        st.randoms(use_true_random=False),
    )
    def test_every_wanted_cell_gets_one_change_and_order_changes_nothing(self, one, two, dice):
        wants = [
            {cell: (priority, side) for cell, priority in each.items()}
            for side, each in (("first", one), ("second", two))
        ]
        parties = border(first=wants[0], second=wants[1])
        heard, shuffled = Heard(), Heard()
        told = negotiate(parties, heard)
        dice.shuffle(parties)
        assert negotiate(parties, shuffled) == told
        assert shuffled.told == heard.told
        assert set(told.agreed) == set(one) | set(two)
        for cell, terms in told.agreed.items():
            assert terms["priority"] == max(one.get(cell, -1), two.get(cell, -1))


class TestDomains:
    @pytest.mark.parametrize(
        ("transport", "core", "cause"),
        [
            pytest.param(90, None, "transport", id="a link failed before the drop"),
            pytest.param(90, 95, "core", id="the later one stands nearer"),
            pytest.param(120, 80, "core", id="what began after the drop is no cause"),
        ],
    )
    def test_radio_asks_whether_others_explain_a_drop(self, transport, core, cause):
        agency = Agency()
        parties = [RadioAnalyst(100), Witness("transport", transport), Witness("core", core)]
        with agency.open() as session:
            told = negotiate(parties, session)
        assert told.agreed["explain_drop"]["cause"] == cause
        kinds = [one["said"]["kind"] for one in agency.contents("negotiated")]
        assert kinds == ["ask", "ask", "answer", "answer", "offer", "accept"]
        assert [one["number"] for one in agency.contents("negotiated")] == [1, 2, 3, 4, 5, 6]

    def test_where_nobody_explains_it_nothing_is_agreed(self):
        parties = [RadioAnalyst(100), Witness("transport", None), Witness("core", 101)]
        told = negotiate(parties, Heard())
        assert (told.agreed, told.undecided, told.rounds) == ({}, {}, 2)


@dataclass(frozen=True)
class Says:
    """Says the same in every round."""

    said: tuple
    name: str = "loud"
    domain: str = "ran"

    def turn(self, _heard):
        return self.said

    def holds(self, topic):
        return {"wants": topic}


SILENT = Witness("silent", None)


def test_rounds_are_bounded():
    again = Says((Said("silent", "offer", "x", {"began": 1}),))
    told = negotiate([again, SILENT], Heard(), most_rounds=3)
    assert (told.rounds, told.is_cut_off, len(told.messages)) == (3, True, 3 + 2)
    assert set(told.undecided["x"]) == {"loud", "silent"}


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (Said("nobody", "offer", "x"), "takes no part"),
        (Said("loud", "offer", "x"), "takes no part"),
        (Said("silent", "accept", "x", {}, 1), "no offer by silent"),
        (Said("silent", "answer", "x", {}, 0), "no ask by silent"),
    ],
)
def test_nobody_speaks_to_strangers_or_accepts_what_was_not_offered(said, says):
    with pytest.raises(InputError, match=says):
        negotiate([Says((said,)), SILENT], Heard())


def test_nobody_accepts_in_another_s_place():
    offer = Says((Said("silent", "offer", "x"),))
    thief = Says((Said("loud", "accept", "x", {}, 1),), name="thief")
    with pytest.raises(InputError, match="no offer by loud to it"):
        negotiate([offer, thief, SILENT], Heard())


def test_nobody_drowns_the_others():
    flood = Says(tuple(Said("silent", "ask", str(number)) for number in range(21)))
    with pytest.raises(InputError, match="20 at most"):
        negotiate([flood, SILENT], Heard())


def test_names_are_unique():
    with pytest.raises(InputError, match="names of their own"):
        negotiate([SILENT, SILENT], Heard())
