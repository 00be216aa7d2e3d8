"""Plans a transport network: backbone, rings and chains to sites, optics, interfaces, capacities.

The backbone's places hold two core routers and aggregation routers (backbone.py). From there rings
of fibre and, in the country, chains of microwave reach a router at every site. An IP link over
fibre is carried by an optical link; a distant aggregation router has an express link over several.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx
import numpy as np

from tasks.twin.backbone import Backbone
from tasks.twin.layout import Network, Site, coordinates
from tasks.twin.transport_parts import CoreFunction, Layer, NodeKind, TransportLink, TransportNode

FIBRE_MS_A_KM = 0.0049
_RADIO_MS_A_KM = 0.0033
_HOP_MS = 0.05
_DUCT_DETOUR = 1.3
_SITES_A_RING = 6
_A_SPUR_EVERY = 5
_SPEEDS_MBPS = (1_000.0, 2_000.0, 4_000.0, 10_000.0, 20_000.0, 40_000.0, 100_000.0)
_MICROWAVE_MBPS = 800.0
_HEADROOM = 1.6
_CHANNEL_MBPS = 400_000.0
_LONE_FUNCTIONS = ("AUSFFunction", "UDMFunction", "PCFFunction", "NRFFunction")
_PAIRED_FUNCTIONS = ("AMFFunction", "SMFFunction", "UPFFunction")

Served = dict[tuple[int, str], str]


@dataclass(slots=True)
class _Cable:
    """A link while it is planned; `over` are the numbers of the optical cables that carry it."""

    a: str
    b: str
    layer: Layer
    length_km: float
    over: tuple[int, ...] = ()


class TransportPlan:
    """A transport network in the making; its methods are called in order."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.nodes: list[TransportNode] = []
        self._cables: list[_Cable] = []
        self._places: dict[str, tuple[float, float]] = {}
        self._terminals: dict[str, str] = {}
        self._router_of_site: dict[int, str] = {}

    def lay_backbone(self, backbone: Backbone) -> None:
        """Put routers at the backbone's places, a link on each span, and express links."""
        routers = [
            self._router("core_router" if number < 2 else "aggregation_router", place, None)
            for number, place in enumerate(backbone.places)
        ]
        spans = nx.Graph()
        for a, b, length_km in backbone.spans:
            spans.add_edge(a, b, km=length_km, cable=self._fibre(routers[a], routers[b], length_km))
        for place in range(2, len(routers)):
            if not any(spans.has_edge(place, core) for core in (0, 1)):
                self._express(routers, spans, place)

    def _express(self, routers: list[str], spans: nx.Graph, place: int) -> None:
        ways = [nx.dijkstra_path(spans, core, place, weight="km") for core in (0, 1)]
        way = min(ways, key=lambda one: float(nx.path_weight(spans, one, "km")))
        over = tuple(int(spans.edges[hop]["cable"]) for hop in pairwise(way))
        length_km = float(nx.path_weight(spans, way, "km"))
        self._cables.append(_Cable(routers[way[0]], routers[place], "ip", length_km, over))

    def reach_sites(self) -> None:
        """Put a router at each site: on rings of fibre, on spurs off them, or behind microwave."""
        for site in self._network.sites:
            router = self._router("cell_site_router", (site.x_m, site.y_m), site)
            self._router_of_site[site.index] = router
        hubs = [node.node_id for node in self.nodes if node.kind == "aggregation_router"]
        by_hub: dict[str, list[Site]] = {hub: [] for hub in hubs}
        afar, spurs = [], []
        for site in self._network.sites:
            if site.archetype == "rural":
                afar.append(site)
            elif site.index % _A_SPUR_EVERY == 2:
                spurs.append(site)
            else:
                by_hub[self._nearest(self._router_of_site[site.index], hubs)].append(site)
        for hub, sites in by_hub.items():
            self._rings(hub, hubs, sites)
        ringed = hubs + [self._router_of_site[one.index] for of in by_hub.values() for one in of]
        for site in spurs:
            router = self._router_of_site[site.index]
            end = self._nearest(router, ringed)
            self._fibre(end, router, self._distance_km(end, router) * _DUCT_DETOUR)
        self._microwave(hubs, afar)

    def _rings(self, hub: str, hubs: list[str], sites: list[Site]) -> None:
        """Lead rings of sites from a hub to the next hub; with a single one, back to it."""
        x_m, y_m = self._places[hub]
        ordered = sorted(sites, key=lambda site: float(np.arctan2(site.y_m - y_m, site.x_m - x_m)))
        rings = -(-len(ordered) // _SITES_A_RING)
        for number in range(rings):
            part = slice(number * len(ordered) // rings, (number + 1) * len(ordered) // rings)
            stops = [hub, *(self._router_of_site[site.index] for site in ordered[part])]
            others = [other for other in hubs if other != hub]
            stops.append(self._nearest(stops[-1], others) if others else hub)
            for a, b in pairwise(stops):
                self._fibre(a, b, self._distance_km(a, b) * _DUCT_DETOUR)

    def _microwave(self, hubs: list[str], sites: list[Site]) -> None:
        """Join each site to the nearest router that stands, the nearest site first."""
        afar = {self._router_of_site[site.index] for site in sites}
        joined = hubs + [one for one in self._router_of_site.values() if one not in afar]
        waiting = {router: self._nearest(router, joined) for router in sorted(afar)}
        while waiting:
            router = min(waiting, key=lambda one: (self._distance_km(one, waiting[one]), one))
            end = waiting.pop(router)
            self._cables.append(_Cable(end, router, "microwave", self._distance_km(end, router)))
            for other, known in waiting.items():
                if self._distance_km(other, router) < self._distance_km(other, known):
                    waiting[other] = router

    def place_core(self) -> tuple[tuple[CoreFunction, ...], Served]:
        """Return the core's functions at its two routers, and who serves each site.

        Control planes share the sites by subnetwork, as tracking areas would; user planes by
        distance, half of the sites each.
        """
        cores = [node.node_id for node in self.nodes if node.kind == "core_router"]
        placed = [
            CoreFunction(_function_dn(name, number), name, router)
            for number, router in enumerate(cores, 1)
            for name in _PAIRED_FUNCTIONS
        ]
        placed += [CoreFunction(_function_dn(name, 1), name, cores[0]) for name in _LONE_FUNCTIONS]
        graph = nx.Graph()
        for cable in self._cables:
            if cable.layer != "optical":
                graph.add_edge(cable.a, cable.b, ms=_delay_ms(cable))
        away = [nx.single_source_dijkstra_path_length(graph, core, weight="ms") for core in cores]
        pull = [away[0][one] - away[1][one] for one in self._router_of_site.values()]
        rank = np.argsort(np.argsort(pull, kind="stable"), kind="stable")
        served: Served = {}
        for site, nearer in zip(self._network.sites, rank, strict=True):
            control = 1 + site.subnetwork % 2
            numbers = (control, control, 1 if 2 * nearer < len(pull) else 2)
            for name, number in zip(_PAIRED_FUNCTIONS, numbers, strict=True):
                served[site.index, name] = _function_dn(name, number)
            for name in _LONE_FUNCTIONS:
                served[site.index, name] = _function_dn(name, 1)
        return tuple(placed), served

    def links(self, planned_mbps: Mapping[str, float]) -> tuple[TransportLink, ...]:
        """Return the links, with capacity for what each is planned to carry and some headroom."""
        ends: dict[str, int] = {}
        ids = [
            f"{ {'ip': 'IP', 'optical': 'OT', 'microwave': 'MW'}[cable.layer] }-{number:04d}"
            for number, cable in enumerate(self._cables, 1)
        ]
        dn_of = {node.node_id: node.dn for node in self.nodes}
        found = []
        for link_id, cable in zip(ids, self._cables, strict=True):
            names = []
            for node in (cable.a, cable.b):
                ends[node] = ends.get(node, 0) + 1
                what = "OpticalChannel" if cable.layer == "optical" else "Interface"
                names.append(f"{dn_of[node]},{what}={ends[node]}")
            found.append(
                TransportLink(
                    link_id, cable.layer, cable.a, cable.b, names[0], names[1],
                    capacity_mbps=_capacity(cable.layer, planned_mbps.get(link_id, 0.0)),
                    length_km=round(cable.length_km, 3),
                    delay_ms=round(_delay_ms(cable), 5),
                    supported_by=tuple(ids[number] for number in cable.over),
                )
            )  # fmt: skip
        return tuple(found)

    def _router(self, kind: NodeKind, place: tuple[float, float], site: Site | None) -> str:
        routers = sum(node.kind != "optical_terminal" for node in self.nodes)
        return self._node(f"R{routers + 1:02d}", kind, place, site)

    def _node(
        self, node_id: str, kind: NodeKind, place: tuple[float, float], site: Site | None
    ) -> str:
        latitude, longitude = coordinates(*place)
        dn = f"SubNetwork=transport,ManagedElement={node_id}"
        site_id = None if site is None else site.site_id
        self.nodes.append(TransportNode(node_id, dn, kind, latitude, longitude, site_id))
        self._places[node_id] = place
        return node_id

    def _fibre(self, a: str, b: str, length_km: float) -> int:
        """Lay an IP link over an optical link of its own; return the optical one's number."""
        ends = []
        for router in (a, b):
            if router not in self._terminals:
                name = f"O{len(self._terminals) + 1:02d}"
                self._terminals[router] = self._node(
                    name, "optical_terminal", self._places[router], None
                )
            ends.append(self._terminals[router])
        number = len(self._cables)
        self._cables.append(_Cable(ends[0], ends[1], "optical", length_km))
        self._cables.append(_Cable(a, b, "ip", length_km, (number,)))
        return number

    def _distance_km(self, a: str, b: str) -> float:
        (xa, ya), (xb, yb) = self._places[a], self._places[b]
        return float(np.hypot(xa - xb, ya - yb)) / 1000.0 + 0.05

    def _nearest(self, node: str, others: list[str]) -> str:
        return min(others, key=lambda other: self._distance_km(node, other))


def _function_dn(name: str, number: int) -> str:
    return f"SubNetwork=core,ManagedElement=C{number},{name}={number}"


def _delay_ms(cable: _Cable) -> float:
    a_km = _RADIO_MS_A_KM if cable.layer == "microwave" else FIBRE_MS_A_KM
    return _HOP_MS + a_km * cable.length_km


def _capacity(layer: Layer, planned_mbps: float) -> float:
    if layer == "optical":
        return _CHANNEL_MBPS
    if layer == "microwave":
        return _MICROWAVE_MBPS
    wanted = _HEADROOM * planned_mbps
    return next((speed for speed in _SPEEDS_MBPS if speed >= wanted), _SPEEDS_MBPS[-1])
