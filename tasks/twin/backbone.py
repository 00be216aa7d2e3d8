"""A backbone for a region, cut from a real one: SNDlib's germany50 as topohub carries it.

The cut is the neighborhood of a town drawn from the seed, without dead ends, so that every place
in it is reached two ways. It is shrunk and moved onto the region; its lengths shrink with it.
"""

import json
from dataclasses import dataclass
from importlib import resources

import networkx as nx
import numpy as np

_SOURCE = "sndlib/germany50"
_DUCT_DETOUR = 1.3


@dataclass(frozen=True, slots=True)
class Backbone:
    """Places in m from the region's center, and the spans between them.

    Attributes:
        places: (x, y); the first two are the core's.
        spans: (place, place, km of fibre), each pair once.
    """

    places: tuple[tuple[float, float], ...]
    spans: tuple[tuple[int, int, float], ...]


def regional_backbone(places: int, radius_m: float, seed: int) -> Backbone:
    """Return a backbone of at least `places` places whose farthest lies at `radius_m`."""
    graph = _real_graph()
    rng = np.random.default_rng([seed, 20])
    hub = int(rng.integers(0, graph.number_of_nodes()))
    cut = _cut(graph, hub, places)
    xy = _plane(graph, cut)
    shrunk = radius_m / 1000.0 / max(float(np.hypot(xy[:, 0], xy[:, 1]).max()), 1.0)
    order = _core_first(cut)
    row = {node: number for number, node in enumerate(sorted(cut))}
    rank = {node: number for number, node in enumerate(order)}
    return Backbone(
        places=tuple(
            (float(xy[row[node], 0] * shrunk * 1000.0), float(xy[row[node], 1] * shrunk * 1000.0))
            for node in order
        ),
        spans=tuple(
            sorted(
                (min(rank[a], rank[b]), max(rank[a], rank[b]), km * shrunk * _DUCT_DETOUR)
                for a, b, km in cut.edges(data="dist")
            )
        ),
    )


def _real_graph() -> nx.Graph:
    # Read past topohub.get, which leaves the file open.
    path = resources.files("topohub") / "data" / f"{_SOURCE}.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    graph = nx.Graph()
    for node in told["nodes"]:
        graph.add_node(node["id"], pos=node["pos"])
    for edge in told["edges"]:
        graph.add_edge(edge["source"], edge["target"], dist=float(edge["dist"]))
    return graph


def _cut(graph: nx.Graph, hub: int, places: int) -> nx.Graph:
    """Return the smallest neighborhood of `hub` that has enough places with two ways out."""
    away = nx.single_source_dijkstra_path_length(graph, hub, weight="dist")
    near = sorted(away, key=lambda node: (away[node], node))
    for count in range(places, len(near) + 1):
        inner = nx.k_core(graph.subgraph(near[:count]), 2)
        whole: set[int] = max(nx.biconnected_components(inner), key=len, default=set())
        if len(whole) >= places:
            return graph.subgraph(whole).copy()
    return graph


def _plane(graph: nx.Graph, cut: nx.Graph) -> np.ndarray:
    """Return the cut's places in km from their middle, in order of their number."""
    degrees = np.array([graph.nodes[node]["pos"] for node in sorted(cut)])
    middle = (degrees.min(axis=0) + degrees.max(axis=0)) / 2.0
    away = degrees - middle
    away[:, 0] *= np.cos(np.radians(middle[1]))
    return np.asarray(away * 111.32)


def _core_first(cut: nx.Graph) -> list[int]:
    """Return the places, the best connected first, then the one nearest to everything else."""
    ranked = sorted(cut, key=lambda node: (-cut.degree(node), node))
    first = ranked[0]
    reach = nx.closeness_centrality(cut, distance="dist")
    others = [node for node in ranked if node != first]
    apart = [node for node in others if not cut.has_edge(first, node)] or others
    second = max(apart, key=lambda node: (cut.degree(node), reach[node]))
    return [first, second, *sorted(node for node in cut if node not in (first, second))]
