"""Names in a metric query: dimensions, KPIs, and what else they go by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from semantic_layer.errors import InputError, did_you_mean
from semantic_layer.kpis import Kpi
from semantic_layer.loading import Catalogue
from semantic_layer.metric_queries_conditions import Subject
from semantic_layer.synonyms import reference


@dataclass(frozen=True, slots=True)
class Dimension:
    """What an answer can be split by.

    Attributes:
        name: as people say it.
        column: of the rows.
        of: `cell` is known of cells only, `object` of every row alike, `place` of cells and of
            the element that they share, so that rows of both meet.
        is_placed: it stands in the network's topology, not on the measurement itself.
        also: other names that it goes by.
    """

    name: str
    column: str
    of: Literal["cell", "object", "place"]
    is_placed: bool = False
    also: tuple[str, ...] = ()


DIMENSIONS: Mapping[str, Dimension] = {
    dimension.name: dimension
    for dimension in (
        Dimension("cell", "cell_dn", "cell", also=("cell_dn",)),
        Dimension("site", "site_id", "place", is_placed=True, also=("site_id",)),
        Dimension("band", "band", "cell", is_placed=True),
        Dimension("archetype", "archetype", "place", is_placed=True),
        Dimension("subnetwork", "subnetwork", "place", is_placed=True, also=("region",)),
        Dimension("managed_element", "managed_element_dn", "place", also=("managed_element_dn",)),
        Dimension("object", "managed_object_dn", "object", also=("managed_object_dn",)),
        Dimension("object_class", "object_class", "object", also=("class",)),
        Dimension("technology", "technology", "object"),
    )
}


def kpi_named(name: str, catalogue: Catalogue) -> Kpi:
    """Return the KPI that goes by a name: its own, its title, its column, or a synonym.

    Raises:
        UnknownNameError: none does.
        InputError: several do.
    """
    said = _plain(name)
    found = {said} if said in catalogue.kpis else _kpi_names(catalogue).get(said, set())
    if not found:
        named = catalogue.named_by(name)
        found = {one.name for one in named if one.kind == "kpi" and _plain(one.words) == said}
    if len(found) > 1:
        raise InputError(f"{name!r} may mean {', '.join(sorted(found))}; name one of them.")
    return catalogue.kpi(next(iter(found), name.strip()))


def dimension_named(name: str) -> Dimension:
    """Return the dimension that goes by a name.

    Raises:
        InputError: none does.
    """
    known = {also: item for item in DIMENSIONS.values() for also in (item.name, *item.also)}
    said = name.strip().casefold()
    if said not in known:
        raise InputError(
            f"No dimension {name!r}{did_you_mean(said, known)} Known are {', '.join(DIMENSIONS)}."
        )
    return known[said]


def subjects(catalogue: Catalogue) -> dict[str, Subject]:
    """Return what a condition may compare, by every name that it goes by."""
    found = {
        other: Subject(kpi, catalogue.kpis[kpi].column, is_number=True)
        for other, kpis in _kpi_names(catalogue).items()
        for kpi in kpis
        if len(kpis) == 1
    }
    for name, kpi in catalogue.kpis.items():
        found[name] = Subject(name, kpi.column, is_number=True)
    for item in DIMENSIONS.values():
        for name in (item.name, *item.also):
            found[name] = Subject(item.name, item.column)
    return found


def _plain(name: str) -> str:
    return "_".join(name.strip().casefold().replace("-", " ").split())


def _kpi_names(catalogue: Catalogue) -> dict[str, set[str]]:
    """Return the KPIs that go by each other name: a title, a column or a synonym."""
    found: dict[str, set[str]] = {}
    for kpi in catalogue.kpis.values():
        for other in (kpi.title, kpi.column):
            found.setdefault(_plain(other), set()).add(kpi.name)
    for synonym in catalogue.synonym_terms.values():
        meant = {
            target[1] for target in map(reference, synonym.means) if target and target[0] == "kpi"
        }
        for other in synonym.spellings if meant else ():
            found.setdefault(_plain(other), set()).update(meant)
    return found
