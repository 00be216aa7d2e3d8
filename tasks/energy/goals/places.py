"""The gazetteer: which words name which sites, from published topology and protected places.

Words are definitions (energy_goals.yaml); sites, their ground and their place are the inventory's.
Where a text names a place is found by whole words, the longest name first.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
import numpy.typing as npt
import polars as pl

from semantic_layer.energy_goals import EnergyGoalRules
from semantic_layer.protected import ProtectedPlaces
from tasks.energy.goals.goal import Area, EnergyGoal

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

_WORD = re.compile(r"[^\W_]+")
_METERS_PER_DEGREE = 111_320.0
_MOST_WORDS = 6
_SIGNS: Mapping[str, tuple[int, int]] = {"north": (0, 1), "south": (0, -1), "west": (-1, 0),
                                         "east": (1, 0)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mention:
    """A place that a text names: its name here, and the characters that name it."""

    name: str
    start: int
    end: int


@dataclass(frozen=True)
class Places:
    """Sites and the words that name some of them.

    Attributes:
        site_ids: S of them, sorted.
        x_m, y_m: (S,) meters east and north of the network's middle; NaN where the inventory
            has no coordinates.
        sites_of: indices of the sites by name: of a site, a kind of ground, a service, a place.
        names: by phrase, in lower case and without marks, the name that it stands for.
        cells_of: cells by site.
    """

    site_ids: tuple[str, ...]
    x_m: Floats
    y_m: Floats
    sites_of: Mapping[str, tuple[int, ...]]
    names: Mapping[str, str]
    cells_of: Mapping[str, tuple[str, ...]]

    def mentions(self, text: str) -> Iterator[Mention]:
        """Give the places that a text names, in order; of overlapping ones the longest."""
        words = [
            (found[0].casefold(), found.start(), found.end()) for found in _WORD.finditer(text)
        ]
        at = 0
        while at < len(words):
            for count in range(min(_MOST_WORDS, len(words) - at), 0, -1):
                some = words[at : at + count]
                name = self.names.get(" ".join(word for word, _, _ in some))
                if name is not None:
                    yield Mention(name, some[0][1], some[-1][2])
                    at += count - 1
                    break
            at += 1

    def nearest_name(self, words: str) -> str:
        """Return the phrase most like the words, empty where none is."""
        near = get_close_matches(plain_phrase(words), list(self.names), n=1, cutoff=0.6)
        return near[0] if near else ""

    def sites_in(self, area: Area) -> Flags:
        """Return (S,) whether a site lies in the area; one without coordinates in no wide one."""
        found = self._own_sites(area.name)
        if not area.within_m:
            return found
        with np.errstate(invalid="ignore"):
            apart = np.hypot(
                self.x_m[:, None] - self.x_m[None, found], self.y_m[:, None] - self.y_m[None, found]
            )
            is_near = np.asarray(apart <= area.within_m)
        near: Flags = np.any(is_near, axis=1)
        return np.logical_or(near, found)

    def is_certain(self, area: Area) -> Flags:
        """Return (S,) whether it is known if a site lies in the area: where is it, after all."""
        if area.within_m or area.name not in self.sites_of:
            return np.isfinite(self.x_m) & np.isfinite(self.y_m)
        return np.ones(len(self.site_ids), dtype=bool)

    def _own_sites(self, name: str) -> Flags:
        if name in self.sites_of:
            found = np.zeros(len(self.site_ids), dtype=bool)
            found[list(self.sites_of[name])] = True
            return found
        found = np.ones(len(self.site_ids), dtype=bool)
        parts = name.split("_")
        if any(part not in _SIGNS for part in parts):
            return ~found
        with np.errstate(invalid="ignore"):
            for east, north in (_SIGNS[part] for part in parts):
                found &= self.x_m * east + self.y_m * north > 0.0
        return found


def goal_cells(goal: EnergyGoal, places: Places) -> frozenset[str]:
    """Return the cells that a goal lets save, whatever else forbids it.

    A site of which it is not known where it stands may lie near what is spared: it is left alone.
    """
    chosen = np.ones(len(places.site_ids), dtype=bool)
    for areas in (goal.where, goal.within):
        if areas:
            chosen &= np.any([places.sites_in(area) for area in areas], axis=0)
    for area in goal.spared:
        chosen &= ~places.sites_in(area) & places.is_certain(area)
    return frozenset(
        cell
        for site, is_chosen in zip(places.site_ids, chosen, strict=True)
        if is_chosen
        for cell in places.cells_of[site]
    )


def places_of(topology: pl.DataFrame, protected: ProtectedPlaces, rules: EnergyGoalRules) -> Places:
    """Return the gazetteer of a network.

    Args:
        topology: newest row a cell: cell_dn, site_id, site_name, archetype, latitude_deg,
            longitude_deg; cells without a site have no place.
        protected: places that have a name.
        rules: words for kinds of ground, services and directions.
    """
    rows = topology.drop_nulls("site_id").sort("site_id", "cell_dn")
    sites = rows.unique("site_id", keep="first", maintain_order=True)
    ids = tuple(sites["site_id"].to_list())
    number = {site: index for index, site in enumerate(ids)}
    x_m, y_m = _meters(sites)
    sites_of: dict[str, tuple[int, ...]] = {site: (index,) for site, index in number.items()}
    for ground in rules.archetypes:
        told = sites.with_row_index().filter(pl.col("archetype") == ground)["index"]
        sites_of[ground] = tuple(told.to_list())
    cell_site = dict(rows.select("cell_dn", "site_id").iter_rows())
    for place in protected.places:
        named = (*place.site_ids, *(cell_site.get(dn, "") for dn in place.cell_dns))
        known = tuple(sorted({number[site] for site in named if site in number}))
        for name in (plain_phrase(place.name), place.service):
            sites_of[name] = tuple(sorted({*sites_of.get(name, ()), *known}))
    return Places(
        site_ids=ids,
        x_m=x_m,
        y_m=y_m,
        sites_of={name: sites for name, sites in sites_of.items() if sites},
        names=_names(sites, sites_of, protected, rules),
        cells_of={
            str(site): tuple(cells)
            for site, cells in rows.group_by("site_id", maintain_order=True)
            .agg("cell_dn")
            .iter_rows()
        },
    )


def plain_phrase(text: str) -> str:
    """Return a text's words in lower case without marks, as phrases are looked up.

    >>> plain_phrase("North-East of Dense Urban 1")
    'north east of dense urban 1'
    """
    return " ".join(word.casefold() for word in _WORD.findall(text))


def _meters(sites: pl.DataFrame) -> tuple[Floats, Floats]:
    """Return meters east and north of the middle of the sites that have coordinates."""
    latitude = sites["latitude_deg"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    longitude = sites["longitude_deg"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    is_placed = np.isfinite(latitude) & np.isfinite(longitude)
    if not is_placed.any():
        return np.full(len(latitude), np.nan), np.full(len(latitude), np.nan)
    middle = float(latitude[is_placed].mean()), float(longitude[is_placed].mean())
    a_degree = _METERS_PER_DEGREE * float(np.cos(np.radians(middle[0])))
    return (longitude - middle[1]) * a_degree, (latitude - middle[0]) * _METERS_PER_DEGREE


def _names(
    sites: pl.DataFrame,
    sites_of: Mapping[str, tuple[int, ...]],
    protected: ProtectedPlaces,
    rules: EnergyGoalRules,
) -> dict[str, str]:
    """Return names by phrase; a word for a ground or service counts where the network has one."""
    names: dict[str, str] = {}
    for site, label in sites.select("site_id", "site_name").iter_rows():
        digits = re.sub(r"\D", "", site)
        phrases = [plain_phrase(site), plain_phrase(label or "")]
        if digits:
            told = (site.casefold(), digits, str(int(digits)))
            phrases += [f"{word} {number}" for word in rules.site_words for number in told]
        names |= {phrase: site for phrase in phrases if phrase}
    words = {**rules.services, **rules.archetypes}
    for name, spellings in words.items():
        if sites_of.get(name):
            names |= dict.fromkeys(map(plain_phrase, spellings), name)
    for place in protected.places:
        phrase = plain_phrase(place.name)
        names |= {phrase: phrase} if sites_of.get(phrase) else {}
    for direction, spellings in rules.directions.items():
        names |= dict.fromkeys(map(plain_phrase, spellings), direction)
    return names
