"""The objects that carry a site: its shortest way through the transport network to the core."""

from collections.abc import Iterable
from itertools import pairwise

import networkx as nx
import polars as pl

_CARRYING = ("ip", "ethernet", "microwave", "access")
_ENDS = ("core_router",)


def ways_to_core(
    nodes: pl.DataFrame, links: pl.DataFrame, sites: Iterable[str]
) -> dict[str, frozenset[str]]:
    """Return the DNs on each site's way: interfaces, light paths under them, and their elements.

    The way with the least delay from a node of the site to the nearest core router; a site that
    no such way leads from has no entry. What stands beyond the way is not on it.

    Args:
        nodes: of the transport network.
        links: between them; `supported_by` names links of a lower layer.
        sites: ids of the sites that are asked for.
    """
    roads = _roads(links)
    known = set(roads)
    cores = [
        node
        for node in nodes.filter(pl.col("kind").is_in(_ENDS))["node_id"].to_list()
        if node in known
    ]
    if not cores:
        return {}
    paths = nx.multi_source_dijkstra_path(roads, cores, weight="delay")
    starts = _starts(nodes, known)
    element = dict(nodes.select("node_id", "managed_object_dn").iter_rows())
    below = {row["link_id"]: row for row in links.iter_rows(named=True)}
    found = {}
    for site in set(sites):
        ways = [paths[node] for node in starts.get(site, ()) if node in paths]
        if ways:
            way = min(ways, key=lambda path: (len(path), path))
            found[site] = frozenset(_objects(way, roads, element, below))
    return found


def _roads(links: pl.DataFrame) -> "nx.Graph[str]":
    roads: nx.Graph[str] = nx.Graph()
    for row in links.filter(pl.col("layer").is_in(_CARRYING)).iter_rows(named=True):
        start, end = row["from_node_id"], row["to_node_id"]
        delay = max(row["delay_ms"] or 0.0, 1e-6)
        standing = roads.get_edge_data(start, end)
        if start and end and (standing is None or standing["delay"] > delay):
            roads.add_edge(start, end, delay=delay, link=row)
    return roads


def _starts(nodes: pl.DataFrame, known: set[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for node, site in nodes.select("node_id", "site_id").sort("node_id").iter_rows():
        if site and node in known:
            found.setdefault(site, []).append(node)
    return found


def _objects(
    way: list[str],
    roads: "nx.Graph[str]",
    element: dict[str, str | None],
    below: dict[str, dict[str, object]],
) -> Iterable[str]:
    yield from (dn for node in way if (dn := element.get(node)))
    for start, end in pairwise(way):
        link = roads.edges[start, end]["link"]
        yield from (dn for dn in (link["from_dn"], link["to_dn"]) if dn)
        for name in link["supported_by"] or ():
            yield from _ends_of(below.get(name), element)


def _ends_of(link: dict[str, object] | None, element: dict[str, str | None]) -> Iterable[str]:
    """Yield the light path's ends, and the terminals that they belong to."""
    if link is None:
        return
    for dn in (link["from_dn"], link["to_dn"]):
        if isinstance(dn, str):
            yield dn
    for node in (link["from_node_id"], link["to_node_id"]):
        terminal = element.get(node) if isinstance(node, str) else None
        if terminal:
            yield terminal
