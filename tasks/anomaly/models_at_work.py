"""Which registered models score now: champions decide, challengers score beside them."""

from collections.abc import Mapping
from dataclasses import dataclass

from semantic_layer.errors import InputError
from tasks.anomaly.model_names import CHALLENGER, CHAMPION, model_reference, named_cells
from tasks.anomaly.serving import ModelsAtWork, Served, Serving
from tasks.ports import ModelRegistry

Cells = tuple[str, str]
"""Object class and granularity."""


@dataclass(frozen=True, slots=True)
class Appointed:
    """Models at work by class and granularity, and sentences on those that were refused."""

    models: Mapping[Cells, ModelsAtWork]
    refusals: tuple[str, ...]


def appointed(registry: ModelRegistry, profiles: Mapping[str, str]) -> Appointed:
    """Return who scores, as the registry has it.

    A model that cannot be trusted to be the registered one does not score: the model of all cells,
    or the detector, does instead, and a sentence says so. Scoring never waits for a repair.

    Args:
        registry: of models.
        profiles: profile by cell DN.
    """
    refusals: list[str] = []
    found: dict[str, dict[Cells, dict[str, Served]]] = {CHAMPION: {}, CHALLENGER: {}}
    for name in registry.names():
        cells = named_cells(name)
        if cells is None:
            continue
        profile, *rest = cells
        for version in registry.versions(name):
            for alias in set(version.aliases) & set(found):
                try:
                    model, _ = registry.load(name, version.version)
                except InputError as error:
                    refusals.append(f"{name} version {version.version} does not score: {error}")
                    continue
                served = Served(model_reference(name, version.version), model)
                found[alias].setdefault((rest[0], rest[1]), {})[profile] = served
    groups = sorted({group for servings in found.values() for group in servings})
    return Appointed(
        {
            group: ModelsAtWork(
                _serving(found[CHAMPION].get(group, {}), profiles),
                tuple(
                    _serving(models, profiles)
                    for models in [found[CHALLENGER].get(group, {})]
                    if models
                ),
            )
            for group in groups
        },
        tuple(refusals),
    )


def champion_of(registry: ModelRegistry, name: str) -> tuple[Served | None, str]:
    """Return who serves under a name, and a sentence where somebody should but is refused."""
    held = registry.assignments(name, CHAMPION)
    if not held or held[-1][0] is None:
        return None, ""
    number = held[-1][0]
    try:
        model, _ = registry.load(name, number)
    except InputError as error:
        return None, f"{name} version {number} does not serve: {error}"
    return Served(model_reference(name, number), model), ""


def _serving(models: Mapping[str, Served], profiles: Mapping[str, str]) -> Serving:
    return Serving(
        tuple(models.values()),
        {profile: place for place, profile in enumerate(models)},
        profiles,
    )
