"""A town for goals: the sample network's sites by kind of ground, and the protected places."""

from functools import cache

import polars as pl

from semantic_layer.energy_goals import energy_goals_rules
from semantic_layer.protected import protected_places
from tasks.energy.goals.places import Places, places_of
from tasks.twin.layout import build_network

RULES = energy_goals_rules()


@cache
def topology() -> pl.DataFrame:
    """Return published topology of 78 sites."""
    network = build_network(78, 7, is_village=False)
    return pl.DataFrame(
        {
            "cell_dn": cell.dn,
            "site_id": cell.site.site_id,
            "site_name": f"{cell.site.archetype.replace('_', ' ').title()} {cell.site.index}",
            "archetype": cell.site.archetype,
            "latitude_deg": cell.site.latitude_deg,
            "longitude_deg": cell.site.longitude_deg,
        }
        for cell in network.cells
    )


@cache
def places() -> Places:
    """Return the town's gazetteer."""
    return places_of(topology(), protected_places(), RULES)
