"""Passages of text that can be found by meaning: what knowledge indexes hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document, or a validated case, as text with where it came from.

    The text is by others: it may be wrong, outdated or hostile, and is never obeyed.

    Attributes:
        passage_id: stable while the text and its place are.
        text: what is searched and cited.
        title: of the document, with the headings above.
        source: document id, or case id.
        content_hash: of all that an index holds of it: text, title, labels, validity, weight.
        labels: what can be filtered by: domain, vendor, kind, language; one value each.
        object_classes: managed object classes that it speaks of.
        valid_from, valid_until: when it holds; None is open.
        weight: 0 to 1; how far it has proved right (cases that were contradicted sink).
    """

    passage_id: str
    text: str
    title: str
    source: str
    content_hash: str
    labels: Mapping[str, str] = field(default_factory=dict)
    object_classes: tuple[str, ...] = ()
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class PassageFilter:
    """Which passages may be found; None and empty mean all.

    Attributes:
        labels: every label named must be this, or absent from the passage.
        object_class: passages that name classes must name this one.
        valid_at: passages must hold then.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    object_class: str | None = None
    valid_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A passage with how well it fits: by both ways together, and its rank by each (from 1)."""

    passage: Passage
    score: float
    dense_rank: int | None
    sparse_rank: int | None
