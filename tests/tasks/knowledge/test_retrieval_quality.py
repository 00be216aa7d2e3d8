"""The questions are fit to measure with, and the index finds what plain BM25 does not."""

import pytest
import yaml

from tasks.adapters.local_embedder import LocalEmbedder
from tasks.adapters.memory_knowledge import InMemoryKnowledge
from tests.benchmarks import retrieval


@pytest.fixture(scope="module")
def corpus():
    return retrieval.documents()


@pytest.fixture(scope="module")
def asked(corpus):
    return retrieval.questions(corpus)


def test_there_are_enough_questions_each_asked_once_and_some_without_an_answer(asked):
    told = yaml.safe_load(retrieval.QUESTIONS.read_text(encoding="utf-8"))
    assert len({one["asks"] for one in told}) == len(told)
    answered = sum(bool(one.answers) for one in asked)
    assert answered >= 60
    assert len(asked) - answered >= 10
    both = [sum(bool(one.answers) for one in asked[start::2]) for start in (0, 1)]
    assert both[0] == both[1]


def test_a_question_quotes_no_passage(asked, corpus):
    texts = [one.text.casefold() for one in corpus]
    assert not [one.asks for one in asked if any(one.asks.casefold() in text for text in texts)]


def test_a_question_whose_document_is_gone_is_told(corpus):
    with pytest.raises(ValueError, match="No document has the answers"):
        retrieval.questions([one for one in corpus if "outage" not in one.source])


@pytest.mark.slow
def test_the_index_finds_more_than_plain_words_and_far_more_than_guessing(asked, corpus):
    index = InMemoryKnowledge(LocalEmbedder())
    index.put("documents", corpus)
    answered = [one for one in asked if one.answers]

    def hits(rank):
        return retrieval.figures([retrieval._rank(one, rank(one.asks)) for one in answered]).hits

    ours, plain = hits(retrieval._searched(index)), hits(retrieval.rankings(corpus)["BM25"])
    assert ours[0] >= 0.38
    assert ours[2] >= max(0.78, plain[2] + 0.1)
    assert retrieval.guessing(answered, corpus).hits[2] < 0.1


def test_figures_are_shares_of_all_questions():
    found = retrieval.figures([1, 2, None, 5])
    assert found.hits == (0.25, 0.5, 0.75)
    assert found.reciprocal == pytest.approx((1 + 0.5 + 0.2) / 4)
