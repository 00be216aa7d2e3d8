"""How passages found by meaning and by word become one list; the same for every engine."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from semantic_layer.knowledge_rules import KnowledgeRules
from tasks.messages.passages import FoundPassage, Passage, PassageFilter

_DIGITS = 5

Scored = tuple[Passage, float]
"""A passage with its score by one way of searching."""


@dataclass(slots=True)
class _Candidate:
    passage: Passage
    nearness: float = 0.0
    agreement: float = 0.0
    dense_rank: int | None = None
    sparse_rank: int | None = None


def ranked(
    dense: Sequence[Scored],
    sparse: Sequence[Scored],
    most_agreement: float,
    rules: KnowledgeRules,
    limit: int,
) -> list[FoundPassage]:
    """Return passages by both ways together, best first; ties by id.

    The score is the rules' mean of nearness (cosine, below 0 is 0) and agreement in words (the
    share of what is attainable), times the passage's weight. Where not even the best fits well
    enough nothing is found: no answer is one. What fits far less than the best is left out.

    Args:
        dense: by meaning, best first, with their cosines.
        sparse: by word, best first, with their scores.
        most_agreement: score by word that counts as full agreement; 0 where none can.
        rules: shares and limits.
        limit: at most so many.
    """
    found: dict[str, _Candidate] = {}
    for rank, (passage, cosine) in enumerate(_ordered(dense), start=1):
        one = found.setdefault(passage.passage_id, _Candidate(passage))
        one.nearness, one.dense_rank = min(1.0, max(0.0, round(cosine, _DIGITS))), rank
    for rank, (passage, score) in enumerate(_ordered(sparse), start=1):
        one = found.setdefault(passage.passage_id, _Candidate(passage))
        one.agreement = min(1.0, score / most_agreement) if most_agreement > 0 else 0.0
        one.sparse_rank = rank
    fits = {one.passage.passage_id: _fit(one, rules) for one in found.values()}
    best = max(fits.values(), default=0.0)
    if best <= 0 or best < rules.least_score:
        return []
    told = [
        FoundPassage(one.passage, fit * one.passage.weight, one.dense_rank, one.sparse_rank)
        for one in found.values()
        if (fit := fits[one.passage.passage_id]) >= best * rules.tail_share
    ]
    return sorted(told, key=lambda it: (-it.score, it.passage.passage_id))[:limit]


def _fit(one: _Candidate, rules: KnowledgeRules) -> float:
    return rules.dense_share * one.nearness + (1 - rules.dense_share) * one.agreement


def _ordered(found: Sequence[Scored]) -> list[Scored]:
    return sorted(found, key=lambda it: (-round(it[1], _DIGITS), it[0].passage_id))


def full_agreement(said: int, held: int) -> float:
    """Return the score by word that counts as full agreement: every word said, each in one passage.

    Args:
        said: words of the question.
        held: passages of the collection.
    """
    return said * word_rarity(1, held)


def word_rarity(holding: int, held: int) -> float:
    """Return how much a word tells that `holding` of `held` passages hold: BM25's, as Qdrant's."""
    return math.log((held - holding + 0.5) / (holding + 0.5) + 1.0)


def is_wanted(passage: Passage, where: PassageFilter | None) -> bool:
    """Tell whether a passage may be found."""
    if where is None:
        return True
    labels = all(passage.labels.get(key, value) == value for key, value in where.labels.items())
    named = passage.object_classes
    is_of_class = where.object_class is None or not named or where.object_class in named
    at, since, until = where.valid_at, passage.valid_from, passage.valid_until
    holds = at is None or ((since is None or since <= at) and (until is None or at < until))
    return labels and is_of_class and holds
