"""Who holds a role after whom: promotion by the gate or by a person, and the way back."""

from collections.abc import Sequence
from datetime import datetime

from semantic_layer.errors import InputError
from tasks.anomaly.model_names import CHALLENGER, CHAMPION
from tasks.anomaly.training.gate import Decision
from tasks.anomaly.training.training_record import GATE, REFUSED
from tasks.ports import ModelRegistry
from tasks.stored_models import ModelVersion

Assignment = tuple[int | None, str, str, datetime]
"""Version (None: nobody), reason, author and since when, as `ModelRegistry.assignments` tells."""


def former_holder(assignments: Sequence[Assignment]) -> int | None:
    """Return who held a role before the one who holds it now; None when nobody did.

    A return to the former holder undoes the step that left it, so rolling back twice goes back two
    steps and never to and fro.

    >>> when = datetime(2026, 3, 1)
    >>> former_holder([(1, "", "", when), (2, "", "", when), (3, "", "", when)])
    2
    >>> former_holder([(1, "", "", when), (2, "", "", when), (3, "", "", when), (2, "", "", when)])
    1
    """
    steps: list[int | None] = [None]
    for version, _, _, _ in assignments:
        if len(steps) > 1 and steps[-2] == version:
            steps.pop()
        elif steps[-1] != version:
            steps.append(version)
    return steps[-2] if len(steps) > 1 else None


def placed(models: ModelRegistry, made: ModelVersion, decision: Decision, author: str) -> str:
    """Give a newly registered version the role that the gate decided; return what became of it."""
    name, number = made.name, made.version
    if holder(models, name, CHAMPION) == number:
        return f"version {number} is champion already"
    if not decision.is_promoted:
        models.assign(name, CHALLENGER, number, decision.reason, author)
        return f"version {number} is challenger"
    models.assign(name, CHAMPION, number, decision.reason, author)
    if holder(models, name, CHALLENGER) is not None:
        models.assign(name, CHALLENGER, None, f"version {number} became champion", author)
    return f"version {number} is champion"


def promoted(
    models: ModelRegistry,
    name: str,
    number: int,
    told: tuple[str, str],
    *,
    despite_gate: bool = False,
) -> str:
    """Let a version serve on a person's word; return what was done.

    Args:
        models: where it is registered.
        name: of the model.
        number: its version.
        told: reason and author, for the record.
        despite_gate: also when the gate refused it.

    Raises:
        InputError: no such version, or the gate refused it and nobody overrules that.
    """
    reason, author = told
    chosen = version_of(versions_of(models, name), number)
    is_refused = chosen.card.parameters.get(GATE) == REFUSED
    if is_refused and not despite_gate:
        raise InputError(
            f"The gate refused version {number} of {name}: {chosen.card.reason} "
            "--despite-gate lets it serve all the same; that is put on record."
        )
    overruled = "despite the gate: " if is_refused else ""
    models.assign(name, CHAMPION, number, f"{overruled}{reason}", author)
    if holder(models, name, CHALLENGER) == number:
        models.assign(name, CHALLENGER, None, f"version {number} became champion", author)
    return f"{name}: version {number} ({chosen.family}) is champion."


def rolled_back(models: ModelRegistry, name: str, reason: str, author: str) -> str:
    """Let the former champion serve again; return what was done.

    Raises:
        InputError: nobody serves, so there is nothing to go back from.
    """
    current = holder(models, name, CHAMPION)
    if current is None:
        raise InputError(f"No model {name} is champion, so none can be rolled back.")
    former = former_holder(models.assignments(name, CHAMPION))
    models.assign(name, CHAMPION, former, f"rolled back from version {current}: {reason}", author)
    if former is None:
        return f"{name}: nobody is champion, as before version {current}; the detector scores."
    return f"{name}: version {former} is champion again, after version {current}."


def holder(models: ModelRegistry, name: str, alias: str) -> int | None:
    """Return which version holds an alias, None when nobody does."""
    held = models.assignments(name, alias)
    return held[-1][0] if held else None


def versions_of(models: ModelRegistry, name: str) -> list[ModelVersion]:
    """Return the versions of a name, oldest first.

    Raises:
        InputError: there are none.
    """
    versions = models.versions(name)
    if not versions:
        raise InputError(f"No model {name}; `anops models list` shows those there are.")
    return versions


def version_of(versions: Sequence[ModelVersion], number: int) -> ModelVersion:
    """Return the version of a number.

    Raises:
        InputError: there is none.
    """
    for one in versions:
        if one.version == number:
            return one
    raise InputError(
        f"No version {number} of {versions[0].name}; there are "
        f"{', '.join(str(one.version) for one in versions)}."
    )
