"""What scoring rebuilds from a stored model, kept in the process by the model's digest."""

from dataclasses import dataclass, field

from tasks.stored_models import StoredModel


@dataclass(frozen=True, slots=True)
class ByDigest:
    """A stored model that hashes and compares by its digest, so that a cache may hold it."""

    digest: str
    model: StoredModel = field(compare=False)


def by_digest(model: StoredModel) -> ByDigest:
    """Return the model as a key of a cache."""
    return ByDigest(model.digest, model)
