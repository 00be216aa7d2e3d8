"""What is said to Qdrant, in its words: points, filters, collections; and passages out of answers.

Qdrant is imported with the first call: it takes a second, and most processes never ask it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

import numpy as np
import numpy.typing as npt

from semantic_layer.errors import InputError, TransientError
from tasks.adapters.passage_terms import term_number
from tasks.messages.passages import Passage, PassageFilter

if TYPE_CHECKING:
    from qdrant_client import QdrantClient, models

DENSE, SPARSE = "dense", "sparse"
_ROOM = UUID("6f1d1c0e-6f0e-4d0e-9a53-6b1f5a8c2d11")
_PLAIN = re.compile(r"[^a-z0-9_]+")
_LABEL = re.compile(r"[a-z][a-z_]{0,40}")
_PAGE = 1000
_SERVER_FAULT = 500


def collection_name(collection: str, embedder: str, words: str) -> str:
    """Return Qdrant's name of a collection: vectors made in two ways never meet in one.

    >>> collection_name("documents", "use-multilingual-3", "words-1")[:28]
    'documents-use-multilingual-3'

    Args:
        collection: as we call it.
        embedder: which makes the dense vectors.
        words: version of how the sparse ones are made.
    """
    sure = blake2b(f"{collection}\n{embedder}\n{words}".encode(), digest_size=4).hexdigest()
    plain = (_PLAIN.sub("-", text.casefold()).strip("-") for text in (collection, embedder))
    return "-".join((*plain, sure))


def point_id(passage_id: str) -> str:
    """Return the id of a passage's point: Qdrant takes UUIDs only."""
    return str(uuid5(_ROOM, passage_id))


def point_of(
    passage: Passage, dense: npt.NDArray[np.float32], words: Mapping[str, float]
) -> "models.PointStruct":
    """Return the point of a passage: both vectors, and all that the passage is."""
    from qdrant_client import models

    payload = {
        "passage_id": passage.passage_id,
        "text": passage.text,
        "title": passage.title,
        "source": passage.source,
        "content_hash": passage.content_hash,
        "labels": dict(passage.labels),
        "object_classes": list(passage.object_classes),
        "valid_from": _seconds(passage.valid_from),
        "valid_until": _seconds(passage.valid_until),
        "weight": passage.weight,
    }
    vectors: dict[str, Any] = {DENSE: dense.tolist(), SPARSE: sparse_vector(words)}
    told = {key: value for key, value in payload.items() if value not in (None, [], {})}
    return models.PointStruct(id=point_id(passage.passage_id), vector=vectors, payload=told)


def sparse_vector(words: Mapping[str, float]) -> "models.SparseVector":
    """Return words with their weights as Qdrant takes them; words of one number are added up."""
    from qdrant_client import models

    numbered: dict[int, float] = {}
    for word, weight in words.items():
        number = term_number(word)
        numbered[number] = numbered.get(number, 0.0) + weight
    ordered = sorted(numbered.items())
    return models.SparseVector(
        indices=[number for number, _ in ordered], values=[weight for _, weight in ordered]
    )


def passage_of(payload: Mapping[str, Any]) -> Passage:
    """Return the passage that a point's payload tells."""
    return Passage(
        passage_id=payload["passage_id"],
        text=payload["text"],
        title=payload["title"],
        source=payload["source"],
        content_hash=payload["content_hash"],
        labels=payload.get("labels", {}),
        object_classes=tuple(payload.get("object_classes", ())),
        valid_from=_moment(payload.get("valid_from")),
        valid_until=_moment(payload.get("valid_until")),
        weight=payload["weight"],
    )


def filter_of(where: PassageFilter | None) -> "models.Filter | None":
    """Return Qdrant's filter for one of ours; None where all may be found.

    Raises:
        InputError: a label has a name that none can have.
    """
    from qdrant_client import models

    if where is None:
        return None
    must = [_this_or_absent(f"labels.{_label(key)}", value) for key, value in where.labels.items()]
    if where.object_class is not None:
        must.append(_this_or_absent("object_classes", where.object_class))
    never: list[models.Condition] = []
    if where.valid_at is not None:
        at = where.valid_at.timestamp()
        never = [
            models.FieldCondition(key="valid_from", range=models.Range(gt=at)),
            models.FieldCondition(key="valid_until", range=models.Range(lte=at)),
        ]
    return models.Filter(must=must or None, must_not=never or None) if must or never else None


def make_collection(client: "QdrantClient", name: str, width: int) -> None:
    """Make a collection of vectors so wide, unless it is there."""
    from qdrant_client import models

    if not client.collection_exists(name):
        rarity = models.SparseVectorParams(modifier=models.Modifier.IDF)
        client.create_collection(
            name,
            vectors_config={DENSE: models.VectorParams(size=width, distance=models.Distance.DOT)},
            sparse_vectors_config={SPARSE: rarity},
        )


def held_hashes(client: "QdrantClient", name: str) -> dict[str, str]:
    """Return content hash by passage id of a collection; empty where there is none."""
    found: dict[str, str] = {}
    if not client.collection_exists(name):
        return found
    after: Any = None
    while True:
        points, after = client.scroll(
            name, limit=_PAGE, offset=after, with_payload=["passage_id", "content_hash"]
        )
        for point in points:
            payload = point.payload or {}
            found[payload["passage_id"]] = payload["content_hash"]
        if after is None:
            return found


def searches(
    dense: npt.NDArray[np.float32],
    words: Mapping[str, float],
    where: PassageFilter | None,
    limit: int,
) -> "list[models.QueryRequest]":
    """Return a search by meaning and one by word; both are always two, in this order."""
    from qdrant_client import models

    kept = filter_of(where)
    queries: Sequence[tuple[str, Any]] = ((DENSE, dense.tolist()), (SPARSE, sparse_vector(words)))
    return [
        models.QueryRequest(query=query, using=using, filter=kept, limit=limit, with_payload=True)
        for using, query in queries
    ]


@contextmanager
def answered(what: str) -> Iterator[None]:
    """Turn Qdrant's errors into ours: an answer that did not come, or one that says no.

    Raises:
        TransientError: the server did not answer, or is in trouble.
        InputError: it refuses what was asked.
    """
    from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

    try:
        yield
    except ResponseHandlingException as error:
        raise TransientError(f"Qdrant did not answer {what}: {error}.") from error
    except UnexpectedResponse as error:
        said = f"{error.status_code} {error.reason_phrase}"
        if (error.status_code or _SERVER_FAULT) >= _SERVER_FAULT:
            raise TransientError(f"Qdrant could not answer {what}: {said}.") from error
        raise InputError(f"Qdrant refuses {what}: {said}; is it the right server?") from error


def _this_or_absent(key: str, value: str) -> "models.Condition":
    from qdrant_client import models

    this = models.FieldCondition(key=key, match=models.MatchValue(value=value))
    absent = models.IsEmptyCondition(is_empty=models.PayloadField(key=key))
    return models.Filter(should=[this, absent])


def _label(key: str) -> str:
    if not _LABEL.fullmatch(key):
        raise InputError(f"Passages have no label {key[:60]!r}; labels are small letters and _.")
    return key


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
