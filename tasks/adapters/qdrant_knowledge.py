"""Passages in Qdrant: in process with files of its own, or a server by address."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from semantic_layer.knowledge_rules import knowledge_rules
from semantic_layer.loading import catalogue
from tasks.action_ports import Embedder
from tasks.adapters.passage_ranking import full_agreement, ranked
from tasks.adapters.passage_terms import (
    checked_limit,
    passage_terms,
    passage_weights,
    searched_text,
    terms,
    words_version,
)
from tasks.adapters.qdrant_calls import (
    answered,
    collection_name,
    held_hashes,
    make_collection,
    passage_of,
    point_id,
    point_of,
    searches,
)
from tasks.adapters.qdrant_folder import QdrantFolder
from tasks.adapters.question_words import QuestionWords
from tasks.messages.passages import FoundPassage, Passage, PassageFilter

if TYPE_CHECKING:
    from qdrant_client import QdrantClient, models

_BATCH = 256
_TIMEOUT_S = 20


class QdrantKnowledge:
    """Implements `KnowledgeIndex` by Qdrant: dense and sparse vectors side by side.

    In process it keeps its files in `folder`; with `url` it asks a server instead.
    """

    def __init__(self, embedder: Embedder, folder: Path, url: str | None = None) -> None:
        self._embedder = embedder
        self._store: _Store = _QdrantServer(url) if url else QdrantFolder(folder)

    def put(self, collection: str, passages: Sequence[Passage]) -> None:
        """Add passages, or replace those with the same id."""
        if not passages:
            return
        rules = knowledge_rules()
        vectors = self._embedder.embed([searched_text(passage) for passage in passages])
        points = [
            point_of(passage, vector, passage_weights(passage_terms(passage), rules))
            for passage, vector in zip(passages, vectors, strict=True)
        ]
        name = self._name(collection)
        with self._store.writing() as client, answered(f"for {len(points)} passages"):
            make_collection(client, name, vectors.shape[1])
            for start in range(0, len(points), _BATCH):
                client.upsert(name, points[start : start + _BATCH], wait=True)

    def remove(self, collection: str, passage_ids: Sequence[str]) -> None:
        """Forget passages; unknown ids are no error."""
        known = self.held(collection) if passage_ids else {}
        points: list[models.ExtendedPointId] = [
            point_id(passage_id) for passage_id in passage_ids if passage_id in known
        ]
        if points:
            with self._store.writing() as client, answered(f"to forget {len(points)} passages"):
                client.delete(self._name(collection), points, wait=True)

    def held(self, collection: str) -> dict[str, str]:
        """Return content hash by passage id; empty for a collection that does not exist."""
        return self._store.held(self._name(collection))

    def search(
        self, collection: str, query: str, *, limit: int, where: PassageFilter | None = None
    ) -> list[FoundPassage]:
        """Return the passages that fit best, best first; ties by id.

        Raises:
            InputError: the limit is below 1, a label is none, or files of the index are spoilt.
            TransientError: the server, or whoever writes to the index, keeps it from answering.
        """
        rules, name = knowledge_rules(), self._name(collection)
        wanted = checked_limit(limit)
        asked = query[: rules.query_characters]
        words = self._words.weights(asked)
        with self._store.reading() as client:
            if client is None or not words:
                return []
            with answered(f"a search of {collection!r}"):
                if not client.collection_exists(name):
                    return []
                held = client.count(name, exact=False).count
                vector = self._embedder.embed([asked])[0]
                requests = searches(vector, words, where, max(rules.candidates, wanted))
                dense, sparse = client.query_batch_points(name, requests)
        return ranked(
            _scored(dense),
            _scored(sparse),
            full_agreement(len(set(terms(asked))), held),
            rules,
            wanted,
        )

    def close(self) -> None:
        """Let another process hold the index; calling twice is harmless."""
        self._store.close()

    def _name(self, collection: str) -> str:
        return collection_name(collection, self._embedder.name, words_version(knowledge_rules()))

    @cached_property
    def _words(self) -> QuestionWords:
        return QuestionWords(catalogue(), knowledge_rules())


class _Store(Protocol):
    def writing(self) -> "AbstractContextManager[QdrantClient]": ...

    def reading(self) -> "AbstractContextManager[QdrantClient | None]": ...

    def held(self, name: str) -> dict[str, str]: ...

    def close(self) -> None: ...


class _QdrantServer:
    """A server, which sees to many clients by itself."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: QdrantClient | None = None

    @contextmanager
    def writing(self) -> "Iterator[QdrantClient]":
        yield self._connected()

    @contextmanager
    def reading(self) -> "Iterator[QdrantClient | None]":
        yield self._connected()

    def held(self, name: str) -> dict[str, str]:
        with answered("what it holds"):
            return held_hashes(self._connected(), name)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _connected(self) -> "QdrantClient":
        if self._client is None:
            from qdrant_client import QdrantClient

            self._client = QdrantClient(
                url=self._url, timeout=_TIMEOUT_S, check_compatibility=False
            )
        return self._client


def _scored(answer: "models.QueryResponse") -> list[tuple[Passage, float]]:
    return [(passage_of(point.payload or {}), float(point.score)) for point in answer.points]
