"""The transport network and the core: routers, links, functions, and who is reached over what.

Routing is by delay, as an interior gateway protocol with such metrics would have it: all of a
site's traffic takes the quickest path to its user plane. How it is built is in transport_plan.py.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import networkx as nx
import numpy as np

from tasks.twin.backbone import regional_backbone
from tasks.twin.layout import Network
from tasks.twin.transport_parts import CoreFunction, TransportLink, TransportNode
from tasks.twin.transport_plan import TransportPlan

__all__ = ["CoreFunction", "TransportLink", "TransportNetwork", "TransportNode", "build_transport"]

_SITES_AN_AGGREGATION = 11
_FEWEST_PLACES, _MOST_PLACES = 4, 40
_PLANNED_CELL_MBPS = {"n78": 55.0, "n1": 28.0, "n28": 14.0, "B3": 20.0}


@dataclass(frozen=True)
class TransportNetwork:
    """Nodes, links and functions.

    Attributes:
        served_by: by site index and object class, the DN of the function that serves the site.
    """

    nodes: tuple[TransportNode, ...]
    links: tuple[TransportLink, ...]
    functions: tuple[CoreFunction, ...]
    served_by: Mapping[tuple[int, str], str] = field(repr=False)

    @cached_property
    def link_of(self) -> Mapping[str, TransportLink]:
        """Links by identifier."""
        return {link.link_id: link for link in self.links}

    @cached_property
    def router_of_site(self) -> Mapping[int, str]:
        """Identifier of each site's router, by site index."""
        routers = (node for node in self.nodes if node.kind == "cell_site_router")
        return {index: node.node_id for index, node in enumerate(routers, 1)}

    def path_of(self, site_index: int) -> tuple[str, ...]:
        """Return the links from a site to its user plane, the site's own first."""
        return self._paths[site_index]

    def sites_behind(self, link_id: str) -> tuple[int, ...]:
        """Return the sites that lose their only path to the core when a link fails.

        An optical link takes the IP links that it carries with it.
        """
        standing = self.paths_without((link_id,))
        return tuple(site for site in self.router_of_site if site not in standing)

    def function_of_site(self, site_index: int, object_class: str) -> str:
        """Return the DN of the function of a class that serves a site."""
        return self.served_by[site_index, object_class]

    def sites_of_function(self, dn: str) -> tuple[int, ...]:
        """Return the sites that a function serves."""
        return tuple(sorted({site for (site, _), named in self.served_by.items() if named == dn}))

    def failing_with(self, link_ids: Collection[str]) -> frozenset[str]:
        """Return the links that carry nothing when some fail: these, and what they support."""
        struck = frozenset(link_ids)
        return struck | {
            one.link_id for one in self.links if not struck.isdisjoint(one.supported_by)
        }

    def paths_without(self, link_ids: Collection[str]) -> dict[int, tuple[str, ...]]:
        """Return each site's path when some links fail; a site that is cut off has none."""
        gone = self.failing_with(link_ids)
        graph = _routed(link for link in self.links if link.link_id not in gone)
        place = {function.dn: function.node_id for function in self.functions}
        trees: dict[str, dict[str, list[str]]] = {}
        paths: dict[int, tuple[str, ...]] = {}
        for site, router in self.router_of_site.items():
            root = place[self.function_of_site(site, "UPFFunction")]
            if root not in trees:
                trees[root] = _tree(graph, root)
            route = trees[root].get(router)
            if route is not None:
                hops = zip(route[:0:-1], route[-2::-1], strict=True)
                paths[site] = tuple(graph.edges[hop]["link_id"] for hop in hops)
        return paths

    @cached_property
    def _paths(self) -> Mapping[int, tuple[str, ...]]:
        return self.paths_without(())


def build_transport(network: Network, seed: int) -> TransportNetwork:
    """Return the transport network and core of a radio network; the same seed gives the same."""
    radius_m = max(float(np.hypot(site.x_m, site.y_m)) for site in network.sites)
    wanted = 2 + -(-len(network.sites) // _SITES_AN_AGGREGATION)
    places = int(np.clip(wanted, _FEWEST_PLACES, _MOST_PLACES))
    plan = TransportPlan(network)
    plan.lay_backbone(regional_backbone(places, radius_m, seed))
    plan.reach_sites()
    functions, served_by = plan.place_core()
    nodes = tuple(plan.nodes)
    bare = TransportNetwork(nodes, plan.links({}), functions, served_by)
    return TransportNetwork(nodes, plan.links(_planned(network, bare)), functions, served_by)


def _routed(links: Iterable[TransportLink]) -> nx.Graph:
    """Return the graph of routers; of parallel links the quicker one is used."""
    graph = nx.Graph()
    for link in sorted(links, key=lambda link: (-link.delay_ms, link.link_id)):
        if link.layer != "optical":
            graph.add_edge(link.a, link.b, delay_ms=link.delay_ms, link_id=link.link_id)
    return graph


def _tree(graph: nx.Graph, root: str) -> dict[str, list[str]]:
    if root not in graph:
        return {}
    found: dict[str, list[str]] = nx.single_source_dijkstra_path(graph, root, weight="delay_ms")
    return found


def _planned(network: Network, bare: TransportNetwork) -> dict[str, float]:
    """Return what each link is planned to carry in a busy hour."""
    of_site = dict.fromkeys(bare.router_of_site, 0.0)
    for cell in network.cells:
        of_site[cell.site.index] += _PLANNED_CELL_MBPS[cell.band.name]
    carried: dict[str, float] = {}
    for site, traffic in of_site.items():
        for link_id in bare.path_of(site):
            carried[link_id] = carried.get(link_id, 0.0) + traffic
    return carried
