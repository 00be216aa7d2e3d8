"""Agents of neighboring communities and other domains agree, or don't, in bounded rounds.

A party is a pure function of what it was told. In each round all speak at once, each on what was
said in rounds before, so nothing depends on who comes first. Every message is put on record; what
is not agreed in the end is told with what each side still holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal, Protocol

from semantic_layer.agent_rules import agent_rules
from semantic_layer.errors import InputError
from tasks.agents.closed_loop import Recorder
from tasks.messages.canonical import JsonValue, canonical_json

TalkKind = Literal["ask", "answer", "offer", "accept", "refuse"]
_REPLIES: Mapping[TalkKind, TalkKind] = {"answer": "ask", "accept": "offer", "refuse": "offer"}
_MOST_A_TURN = 20


@dataclass(frozen=True, slots=True)
class Said:
    """What a party says in its turn; the runner adds who and when.

    Attributes:
        to: name of the party it is for.
        kind: ask and answer are about facts; offer, accept and refuse about terms.
        topic: what it is about, such as the DN of a cell at the border.
        facts: values from tools: what is asked for, answered, or the terms of an offer.
        replies_to: number of the message that is answered, accepted or refused; else 0.
    """

    to: str
    kind: TalkKind
    topic: str
    facts: Mapping[str, JsonValue] = field(default_factory=dict)
    replies_to: int = 0


@dataclass(frozen=True, slots=True)
class TalkMessage:
    """A message on record: what was said, numbered from 1, with its round and sender."""

    number: int
    round_number: int
    sender: str
    said: Said


class Party(Protocol):
    """One agent that negotiates."""

    @property
    def name(self) -> str:
        """Of the agent, such as `community_12` or `transport`."""
        ...

    @property
    def domain(self) -> str:
        """`ran`, `transport` or `core`."""
        ...

    def turn(self, heard: Sequence[TalkMessage]) -> Sequence[Said]:
        """Return what it says now, given all that it sent and was sent before; nothing ends it."""
        ...

    def holds(self, topic: str) -> Mapping[str, JsonValue]:
        """Return what it wants of a topic, by its own facts."""
        ...


@dataclass(frozen=True, slots=True)
class Settled:
    """How a negotiation ended.

    Attributes:
        agreed: by topic, the terms that all who were offered anything on it have taken.
        undecided: by topic that was offered on and not agreed, what each party holds.
        rounds: in which anybody spoke.
        is_cut_off: rounds were used up while parties still spoke.
    """

    agreed: Mapping[str, Mapping[str, JsonValue]]
    undecided: Mapping[str, Mapping[str, Mapping[str, JsonValue]]]
    rounds: int
    is_cut_off: bool
    messages: tuple[TalkMessage, ...]


def negotiate(
    parties: Sequence[Party], recorder: Recorder, most_rounds: int | None = None
) -> Settled:
    """Let parties talk until nobody says anything more, or the rounds are used up.

    Args:
        parties: each with a name of its own; their order does not matter.
        recorder: where messages are put on record.
        most_rounds: as the rules of agents say when None.

    Raises:
        InputError: two parties share a name, or one says what it may not.
    """
    ordered = sorted(parties, key=lambda party: party.name)
    names = [party.name for party in ordered]
    if len(set(names)) < len(names):
        raise InputError(f"Parties need names of their own; these are {names}.")
    bound = most_rounds or agent_rules().most_rounds
    messages: list[TalkMessage] = []
    for round_number in range(1, bound + 1):
        said = [(party.name, one) for party in ordered for one in _turn(party, messages, names)]
        if not said:
            break
        for sender, one in said:
            message = TalkMessage(len(messages) + 1, round_number, sender, one)
            messages.append(message)
            recorder.post("negotiated", asdict(message))
    else:
        round_number = bound + 1
    return _settled(ordered, messages, is_cut_off=round_number > bound)


def _turn(party: Party, messages: Sequence[TalkMessage], names: Sequence[str]) -> Sequence[Said]:
    """Return what a party says, once it is known to be in order."""
    heard = [one for one in messages if party.name in (one.sender, one.said.to)]
    said = party.turn(heard)
    if len(said) > _MOST_A_TURN:
        raise InputError(f"{party.name} says {len(said)} messages at once; {_MOST_A_TURN} at most.")
    to_it = {one.number: one for one in heard if one.said.to == party.name}
    for one in said:
        if one.to not in names or one.to == party.name:
            raise InputError(f"{party.name} speaks to {one.to!r}, who takes no part.")
        _check_reply(party, one, to_it)
    return said


def _check_reply(party: Party, said: Said, to_it: Mapping[int, TalkMessage]) -> None:
    wanted = _REPLIES.get(said.kind)
    if wanted is None:
        return
    meant = to_it.get(said.replies_to)
    if meant is None or meant.said.kind != wanted or meant.sender != said.to:
        raise InputError(
            f"{party.name} says {said.kind} to message {said.replies_to}, which is no {wanted} "
            f"by {said.to} to it."
        )


def _settled(
    parties: Sequence[Party], messages: Sequence[TalkMessage], *, is_cut_off: bool
) -> Settled:
    offers = {one.number: one for one in messages if one.said.kind == "offer"}
    accepted = [offers[one.said.replies_to] for one in messages if one.said.kind == "accept"]
    topics = sorted({one.said.topic for one in offers.values()})
    terms = {topic: _terms(topic, list(offers.values()), accepted) for topic in topics}
    agreed = {topic: facts for topic, facts in terms.items() if facts is not None}
    undecided = {
        topic: {party.name: dict(party.holds(topic)) for party in parties}
        for topic, facts in terms.items()
        if facts is None
    }
    rounds = max((one.round_number for one in messages), default=0)
    return Settled(agreed, undecided, rounds, is_cut_off, tuple(messages))


def _terms(
    topic: str, offers: Sequence[TalkMessage], accepted: Sequence[TalkMessage]
) -> Mapping[str, JsonValue] | None:
    """Return the terms of a topic, None unless all who were offered anything on it took the same.

    What was accepted last counts.
    """
    concerned = {name for one in offers if one.said.topic == topic for name in _pair(one)}
    on_topic = [one for one in accepted if one.said.topic == topic]
    if not on_topic:
        return None
    last = canonical_json(on_topic[-1].said.facts)
    same = [one for one in on_topic if canonical_json(one.said.facts) == last]
    in_agreement = {name for one in same for name in _pair(one)}
    return on_topic[-1].said.facts if in_agreement == concerned else None


def _pair(message: TalkMessage) -> tuple[str, str]:
    return message.sender, message.said.to
