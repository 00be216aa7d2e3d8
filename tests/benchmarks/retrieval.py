"""How often the right passage is found, and how high: `python -m tests.benchmarks retrieval`.

Questions of our own on the sample network's documents (retrieval_questions.yaml). Every other one
chose the settings; the figures to quote are those of the other half, `report`. Beside the index as
it is: dense only, words only, plain BM25, BM25 with synonyms, and the floor of guessing.
"""

import math
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import yaml

from data_products.operations_documents.derive import DOCUMENT_SCHEMA
from data_products.operations_documents.derive import derive as versions
from data_products.operations_knowledge.derive import derive as passages_of
from semantic_layer.knowledge_rules import knowledge_rules
from semantic_layer.loading import catalogue
from tasks.action_ports import KnowledgeIndex
from tasks.adapters.local_embedder import LocalEmbedder
from tasks.adapters.passage_ranking import word_rarity
from tasks.adapters.passage_terms import passage_terms, passage_weights, searched_text
from tasks.adapters.qdrant_knowledge import QdrantKnowledge
from tasks.adapters.question_words import QuestionWords
from tasks.ingestion.documents.document_files import delivered_sections
from tasks.knowledge.indexed_passages import document_passages
from tasks.messages.passages import Passage
from tasks.twin.faults import Fault, FaultKind
from tasks.twin.layout import build_network
from tasks.twin.operations_texts import operations_documents
from tasks.twin.traffic import season

QUESTIONS = Path(__file__).with_name("retrieval_questions.yaml")
START = datetime(2025, 5, 5, tzinfo=UTC)
INCIDENTS: tuple[tuple[FaultKind, int, int], ...] = (
    ("power_failure", 10, 5),
    ("core_link_failure", 17, 9),
    ("backhaul_congestion", 1, 9),
    ("power_failure", 15, 14),
    ("clock_loss", 13, 20),
    ("dwdm_degradation", 31, 23),
)
"""Reports that questions are about: kind, site, days after the start."""

_WORD = re.compile(r"\w+")
_CUTS = (1, 3, 5)
_DEEP = 20
_PERIODS = 96

Ranking = Callable[[str], list[str]]
"""Texts of passages for a question, best first, each text once."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and the texts of which each answers it; none where no document does."""

    asks: str
    answers: frozenset[str]


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares of questions answered within the first 1, 3, 5; and the mean reciprocal rank."""

    hits: tuple[float, ...]
    reciprocal: float


def main() -> None:
    """Print hit rates of every way to search, on both halves, and what a search costs."""
    corpus = documents()
    asked = questions(corpus)
    with TemporaryDirectory() as folder:
        began = time.process_time()
        index = QdrantKnowledge(LocalEmbedder(), Path(folder))
        index.put("documents", corpus)
        _say("all", f"{len(corpus)} passages indexed in {time.process_time() - began:.1f} CPU-s")
        ways = {"hybrid": _searched(index), **rankings(corpus)}
        report(asked, ways, corpus)
        unanswered(asked, index)
        costs(asked, index)
        index.close()


def documents() -> list[Passage]:
    """Return the passages of the sample network's documents, read as they are delivered."""
    network, calendar = build_network(60, 7, is_village=False), season(START, 28)
    at: dict[str, list[int]] = {}
    for number, cell in enumerate(network.cells):
        at.setdefault(cell.site.site_id, []).append(number)
    faults = [
        Fault(
            f"F{number}", kind, tuple(at[f"S{site:03d}"]), day * _PERIODS, day * _PERIODS + 40, 0,
            1.0, "share", "site", has_alarm=False,
        )
        for number, (kind, site, day) in enumerate(INCIDENTS)
    ]  # fmt: skip
    with TemporaryDirectory() as name:
        folder = Path(name)
        for place, text in operations_documents(network, faults, calendar, 7).items():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / place).write_text(text, encoding="utf-8")
        read = delivered_sections(folder).sections
    stands = versions(read, pl.DataFrame(schema=DOCUMENT_SCHEMA), START + timedelta(days=28))
    return document_passages(passages_of(stands, knowledge_rules()).rows)


def questions(corpus: Sequence[Passage]) -> list[Question]:
    """Return the questions with the texts that answer them.

    Raises:
        ValueError: a question names a section that no document has.
    """
    told = yaml.safe_load(QUESTIONS.read_text(encoding="utf-8"))
    found = [
        Question(
            one["asks"], frozenset(it for name in one["answers"] for it in _texts(name, corpus))
        )
        for one in told
    ]
    lacking = [
        one["asks"]
        for one, question in zip(told, found, strict=True)
        if one["answers"] and not question.answers
    ]
    if lacking:
        raise ValueError(f"No document has the answers to {lacking}.")
    return found


def rankings(corpus: Sequence[Passage]) -> dict[str, Ranking]:
    """Return the other ways to search, by name."""
    embedder, rules = LocalEmbedder(), knowledge_rules()
    vectors = embedder.embed([searched_text(one) for one in corpus])
    words = QuestionWords(catalogue(), rules)
    ours = [passage_weights(passage_terms(one), rules) for one in corpus]
    plain = [passage_weights(_plain(searched_text(one)), rules) for one in corpus]

    def by_meaning(asked: str) -> list[str]:
        return _ordered(corpus, vectors @ embedder.embed([asked])[0])

    def by_our_words(asked: str) -> list[str]:
        return _ordered(corpus, _by_word(words.weights(asked), ours))

    def bm25(asked: str) -> list[str]:
        return _ordered(corpus, _by_word(dict.fromkeys(_plain(asked), 1.0), plain))

    def bm25_and_synonyms(asked: str) -> list[str]:
        said = " ".join((asked, *words.synonyms(asked)))
        return _ordered(corpus, _by_word(dict.fromkeys(_plain(said), 1.0), plain))

    return {
        "dense only": by_meaning,
        "words only (ours)": by_our_words,
        "BM25": bm25,
        "BM25 + synonyms": bm25_and_synonyms,
    }


def report(asked: Sequence[Question], ways: dict[str, Ranking], corpus: Sequence[Passage]) -> None:
    """Print the figures of every way on both halves, and how sure the difference to BM25 is."""
    for name, half in (("chosen on", asked[::2]), ("report", asked[1::2])):
        answered = [one for one in half if one.answers]
        ranks = {
            way: [_rank(one, rank(one.asks)) for one in answered] for way, rank in ways.items()
        }
        for way, found in ranks.items():
            _say(name, f"{way:18}", _told(figures(found)))
        _say(name, f"{'guessing':18}", _told(guessing(answered, corpus)))
        low, high = difference(ranks["hybrid"], ranks["BM25"])
        _say(name, f"hybrid less BM25, mean reciprocal rank, 95 %: {low:+.2f} to {high:+.2f}")


def figures(ranks: Sequence[int | None]) -> Figures:
    """Return the figures of ranks, None where the answer was not found."""
    hits = tuple(sum(rank is not None and rank <= cut for rank in ranks) for cut in _CUTS)
    reciprocal = sum(1 / rank for rank in ranks if rank is not None)
    return Figures(tuple(hit / len(ranks) for hit in hits), reciprocal / len(ranks))


def guessing(asked: Sequence[Question], corpus: Sequence[Passage], draws: int = 200) -> Figures:
    """Return the mean figures of passages in an order drawn by chance."""
    random, texts = np.random.default_rng(5), sorted({one.text for one in corpus})
    orders = [[texts[place] for place in random.permutation(len(texts))] for _ in range(draws)]
    drawn = [figures([_rank(one, order) for one in asked]) for order in orders]
    hits = tuple(float(np.mean([one.hits[cut] for one in drawn])) for cut in range(len(_CUTS)))
    return Figures(hits, float(np.mean([one.reciprocal for one in drawn])))


def difference(
    one: Sequence[int | None], other: Sequence[int | None], draws: int = 4000
) -> tuple[float, float]:
    """Return the 95 % interval of the difference of mean reciprocal ranks, questions redrawn."""
    random = np.random.default_rng(6)
    gains = np.array([_reciprocal(a) - _reciprocal(b) for a, b in zip(one, other, strict=True)])
    means = gains[random.integers(0, len(gains), (draws, len(gains)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def unanswered(asked: Sequence[Question], index: KnowledgeIndex) -> None:
    """Print how often nothing is found where nothing answers, and where something would."""
    for name, half in (("chosen on", asked[::2]), ("report", asked[1::2])):
        for has_answer in (False, True):
            those = [one for one in half if bool(one.answers) == has_answer]
            empty = sum(not index.search("documents", one.asks, limit=1) for one in those)
            said = "that a document answers" if has_answer else "that none answers"
            _say(name, f"nothing found for {empty} of {len(those)} questions {said}")


def costs(asked: Sequence[Question], index: KnowledgeIndex) -> None:
    """Print what a search costs in this process, among few passages and among many."""
    _say("all", f"{_each_ms(asked, index):.1f} CPU-ms a question")
    many = [
        Passage(f"{place}/{number}", f"{one.asks} {number}", "Page", "doc", str(number))
        for number in range(50)
        for place, one in enumerate(asked)
    ]
    index.put("documents", many)
    held = len(index.held("documents"))
    began = time.process_time()
    index.search("documents", "noise", limit=1)
    _say("all", f"{time.process_time() - began:.2f} CPU-s to open {held:,} passages and search")
    _say("all", f"{_each_ms(asked, index):.1f} CPU-ms a question among them")


def _each_ms(asked: Sequence[Question], index: KnowledgeIndex) -> float:
    began = time.process_time()
    for one in asked:
        index.search("documents", one.asks, limit=5)
    return 1000 * (time.process_time() - began) / len(asked)


def _searched(index: KnowledgeIndex) -> Ranking:
    def ranked(asked: str) -> list[str]:
        found = index.search("documents", asked, limit=_DEEP)
        return list(dict.fromkeys(one.passage.text for one in found))

    return ranked


def _texts(name: str, corpus: Sequence[Passage]) -> list[str]:
    """Return the texts of a section, named by document or, for a report, by `incident at` site."""
    place, _, heading = name.partition("#")
    site = place.removeprefix("incident")
    return [
        one.text
        for one in corpus
        if one.title.endswith(heading)
        and (one.source == place if site == place else f"{site} >" in one.title)
    ]


def _ordered(corpus: Sequence[Passage], scores: Sequence[float]) -> list[str]:
    order = sorted(range(len(corpus)), key=lambda at: (-scores[at], corpus[at].passage_id))
    return list(dict.fromkeys(corpus[at].text for at in order if scores[at] > 0))[:_DEEP]


def _by_word(asked: dict[str, float], held: Sequence[dict[str, float]]) -> list[float]:
    holding = Counter(word for words in held for word in words)
    rarity = {word: word_rarity(holding[word], len(held)) for word in asked}
    return [
        math.fsum(weight * rarity[word] * words.get(word, 0.0) for word, weight in asked.items())
        for words in held
    ]


def _plain(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _rank(question: Question, order: Sequence[str]) -> int | None:
    places = (place for place, text in enumerate(order, 1) if text in question.answers)
    return next(places, None)


def _reciprocal(rank: int | None) -> float:
    return 0.0 if rank is None else 1 / rank


def _told(of: Figures) -> str:
    hits = ", ".join(f"hit@{cut} {hit:.2f}" for cut, hit in zip(_CUTS, of.hits, strict=True))
    return f"{hits}, mean reciprocal rank {of.reciprocal:.2f}"


def _say(where: str, *told: str) -> None:
    print(f"bench retrieval: {where:9} {' '.join(told)}")


if __name__ == "__main__":
    main()
