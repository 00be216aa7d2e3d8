"""Passages in this process's memory: the double of the knowledge index, and its plain meaning."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from semantic_layer.knowledge_rules import KnowledgeRules, knowledge_rules
from semantic_layer.loading import catalogue
from tasks.action_ports import Embedder
from tasks.adapters.passage_ranking import full_agreement, is_wanted, ranked, word_rarity
from tasks.adapters.passage_terms import (
    checked_limit,
    passage_terms,
    passage_weights,
    searched_text,
    terms,
)
from tasks.adapters.question_words import QuestionWords
from tasks.messages.passages import FoundPassage, Passage, PassageFilter


@dataclass(frozen=True, slots=True)
class _Held:
    passage: Passage
    vector: npt.NDArray[np.float32]
    words: Mapping[str, float]


class InMemoryKnowledge:
    """Implements `KnowledgeIndex` in memory: every passage is looked at, one by one."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._collections: dict[str, dict[str, _Held]] = {}

    def put(self, collection: str, passages: Sequence[Passage]) -> None:
        """Add passages, or replace those with the same id."""
        vectors = self._embedder.embed([searched_text(passage) for passage in passages])
        shelf = self._collections.setdefault(collection, {}) if passages else {}
        for passage, vector in zip(passages, vectors, strict=True):
            words = passage_weights(passage_terms(passage), knowledge_rules())
            shelf[passage.passage_id] = _Held(passage, vector, words)

    def remove(self, collection: str, passage_ids: Sequence[str]) -> None:
        """Forget passages; unknown ids are no error."""
        for passage_id in passage_ids:
            self._collections.get(collection, {}).pop(passage_id, None)

    def held(self, collection: str) -> dict[str, str]:
        """Return content hash by passage id; empty for a collection that does not exist."""
        shelf = self._collections.get(collection, {})
        return {passage_id: one.passage.content_hash for passage_id, one in shelf.items()}

    def search(
        self, collection: str, query: str, *, limit: int, where: PassageFilter | None = None
    ) -> list[FoundPassage]:
        """Return the passages that fit best, best first; ties by id."""
        rules, wanted = knowledge_rules(), checked_limit(limit)
        asked = query[: rules.query_characters]
        words = self._words.weights(asked)
        shelf = self._collections.get(collection, {})
        if not words or not shelf:
            return []
        found = [one for one in shelf.values() if is_wanted(one.passage, where)]
        vector = self._embedder.embed([asked])[0]
        dense = [(one.passage, float(one.vector @ vector)) for one in found]
        sparse = [
            (one.passage, score)
            for one, score in zip(found, _by_word(found, shelf, words), strict=True)
            if score > 0
        ]
        most = full_agreement(len(set(terms(asked))), len(shelf))
        return ranked(
            _best(dense, rules, wanted), _best(sparse, rules, wanted), most, rules, wanted
        )

    def close(self) -> None:
        """Do nothing: nothing is held that others want."""

    @cached_property
    def _words(self) -> QuestionWords:
        return QuestionWords(catalogue(), knowledge_rules())


def _by_word(
    found: Sequence[_Held], shelf: Mapping[str, _Held], words: Mapping[str, float]
) -> list[float]:
    holding = Counter(word for one in shelf.values() for word in one.words)
    rarity = {word: word_rarity(holding[word], len(shelf)) for word in words}
    return [
        sum(weight * rarity[word] * one.words.get(word, 0.0) for word, weight in words.items())
        for one in found
    ]


def _best(
    scored: Sequence[tuple[Passage, float]], rules: KnowledgeRules, limit: int
) -> list[tuple[Passage, float]]:
    ordered = sorted(scored, key=lambda it: (-it[1], it[0].passage_id))
    return ordered[: max(rules.candidates, limit)]
