"""What a question says, and what it means by it: words of the field bring their synonyms along.

Synonyms, and the other names of alarms, are those of the semantic layer; none is guessed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from semantic_layer.catalogue_type import Catalogue
from semantic_layer.knowledge_rules import KnowledgeRules
from semantic_layer.synonyms import Phrase, Synonym, plain_words, reference
from tasks.adapters.passage_terms import terms


@dataclass(frozen=True)
class QuestionWords:
    """Reads questions with the words of a catalogue."""

    known: Catalogue
    rules: KnowledgeRules

    def weights(self, question: str) -> dict[str, float]:
        """Return the words of a question with their weights: 1, less for those only meant."""
        asked = question[: self.rules.query_characters]
        said = dict.fromkeys(terms(asked), 1.0)
        if not self.rules.synonym_share:
            return said
        meant = [word for text in self.synonyms(asked) for word in terms(text)]
        return {**dict.fromkeys(meant, self.rules.synonym_share), **said}

    def synonyms(self, question: str) -> list[str]:
        """Return other ways to say what a question names; at each word the longest phrase counts.

        Args:
            question: as it was asked.
        """
        words = plain_words(question)
        longest = max(map(len, self._others), default=0)
        found: dict[str, None] = {}
        at = 0
        while at < len(words):
            lengths = range(min(longest, len(words) - at), 0, -1)
            length = next((it for it in lengths if words[at : at + it] in self._others), 0)
            found.update(dict.fromkeys(self._others.get(words[at : at + length], ())))
            at += length or 1
        return list(found)

    @cached_property
    def _others(self) -> Mapping[Phrase, Sequence[str]]:
        """Other texts for each phrase that names something."""
        found: dict[Phrase, dict[str, None]] = {}
        for texts, also in self._groups():
            for text in texts:
                named = found.setdefault(plain_words(text), {})
                named.update(dict.fromkeys(other for other in (*texts, *also) if other != text))
        return {phrase: tuple(texts) for phrase, texts in found.items() if phrase}

    def _groups(self) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
        """Yield texts that mean the same, and texts that they may mean besides."""
        for term in self.known.synonym_terms.values():
            yield term.spellings, [title for title in self._titles(term) if title]
        for alarm in self.known.alarms.values():
            yield tuple(dict.fromkeys((alarm.title, alarm.specific_problem))), ()

    def _titles(self, term: Synonym) -> Iterator[str]:
        """Yield the titles of alarms that a term means: documents quote alarms by title."""
        for kind, name in filter(None, map(reference, term.means)):
            if kind == "alarm":
                yield self.known.alarm(name).title
