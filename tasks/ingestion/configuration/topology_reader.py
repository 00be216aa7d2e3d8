"""Reads topology as RFC 8345 has it in JSON (`ietf-network:networks`), one network at a time.

Beside node-id, link-id, ends and supporting-link it takes, from the standard's extensions,
`ietf-l3-unicast-topology` (RFC 8346: a node's name), `ietf-l2-topology` (RFC 8944: a node's name,
a link's rate in Mbit/s and delay in microseconds), and from our own `anops-topology`:

    networks   anops-topology:taken-at
    network    anops-topology:layer
    node       anops-topology:node-attributes {kind, layer, name, managed-object, site-id,
               latitude, longitude}
    link       anops-topology:link-attributes {layer, source-object, destination-object,
               capacity-mbps, length-km, delay-ms}

Of a link whose ends nobody named, which ends where it begins, or which supports itself over any
number of steps, a remark tells; the last keeps its row without what supports it. Termination
points are not kept: a link's ends name their interfaces.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any

import networkx as nx

from tasks.ingestion.configuration.nrm_reader import json_document
from tasks.ingestion.configuration.read_configuration import Remark, moment_of
from tasks.ingestion.delivered_bytes import ReadingLimits, UnreadableFileError, delivered_pieces

LIMITS = ReadingLimits(file_bytes=512 << 20)

_NETWORKS = "ietf-network:networks"
_LINKS = "ietf-network-topology:link"
_POINTS = "ietf-network-topology:termination-point"
_OURS, _L2, _L3 = "anops-topology:", "ietf-l2-topology:", "ietf-l3-unicast-topology:"
_LAYERS = {
    "ietf-l3-unicast-topology:l3-unicast-topology": "ip",
    "ietf-l2-topology:l2-topology": "ethernet",
    "ietf-optical-impairment-topology:optical-impairment-topology": "optical",
    "ietf-wson-topology:wson-topology": "optical",
}
_MOST_REMARKS = 1_000
_SUPPORT = "\tsupports"
_NODE_KEYS = {"node-id", "supporting-node", _POINTS, f"{_OURS}node-attributes",
              f"{_L2}l2-node-attributes", f"{_L3}l3-node-attributes"}  # fmt: skip
_LINK_KEYS = {"link-id", "source", "destination", "supporting-link", f"{_OURS}link-attributes",
              f"{_L2}l2-link-attributes", f"{_L3}l3-link-attributes"}  # fmt: skip
_NETWORK_KEYS = {"network-id", "network-types", "supporting-network", "node", _LINKS,
                 f"{_OURS}layer"}  # fmt: skip

Row = dict[str, Any]


@dataclass
class ReadTopology:
    """What one document says.

    Attributes:
        taken_at: when it was so; None when it does not say.
        networks: the networks that it tells.
        nodes: rows of `network_topology.nodes` without time and source.
        links: rows of `network_topology.links`, likewise.
        remarks: what could not be used.
        remarks_beyond: how many more there were.
    """

    taken_at: datetime | None = None
    networks: list[str] = field(default_factory=list)
    nodes: list[Row] = field(default_factory=list)
    links: list[Row] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    remarks_beyond: int = 0

    def remark(self, place: str, key: str, reason: str, content: object = "") -> None:
        """Keep what cannot be used, as far as memory allows."""
        if len(self.remarks) < _MOST_REMARKS:
            self.remarks.append(Remark(place, key[:200], reason, str(content)[:2_000]))
        else:
            self.remarks_beyond += 1


def read_topology(path: Path, limits: ReadingLimits = LIMITS) -> ReadTopology:
    """Return what a document of topology says.

    Raises:
        UnreadableFileError: it cannot be opened, is no JSON, or no topology of RFC 8345.
    """
    document, doubled = json_document(b"".join(delivered_pieces(path, limits)))
    found = told_topology(document)
    for name in doubled:
        found.remark("", name, f"The name {name[:200]!r} stands twice in one JSON object.")
    return found


def told_topology(document: object) -> ReadTopology:
    """Return what a parsed document says.

    Raises:
        UnreadableFileError: it is no topology of RFC 8345.
    """
    networks = document.get(_NETWORKS) if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(networks, dict):
        raise UnreadableFileError(f"The document has no {_NETWORKS!r} as RFC 8345 asks for.")
    found = ReadTopology()
    found.taken_at = moment_of(networks.get(f"{_OURS}taken-at", document.get(f"{_OURS}taken-at")))
    _tell_others(networks, {"network", f"{_OURS}taken-at"}, "networks", found)
    _tell_others(document, {_NETWORKS, f"{_OURS}taken-at"}, "document", found)
    for place, network in _objects(networks.get("network"), "network", found):
        name = _name(network, "network-id")
        if name is None:
            found.remark(place, "", "A network has no network-id; it is left out.", network)
        elif name in found.networks:
            found.remark(place, name, f"The network {name!r} stands twice; the first counts.")
        else:
            found.networks.append(name)
            _read_network(name, network, place, found)
    _drop_circles(found)
    if found.remarks_beyond:
        beyond = f"{found.remarks_beyond} more things cannot be used; these are the first."
        found.remarks.append(Remark("", "", beyond))
    return found


def _read_network(name: str, network: Row, place: str, found: ReadTopology) -> None:
    _tell_others(network, _NETWORK_KEYS, place, found)
    layer = network.get(f"{_OURS}layer")
    types = network.get("network-types")
    if not isinstance(layer, str) and isinstance(types, dict):
        layer = next((_LAYERS[kind] for kind in types if kind in _LAYERS), None)
    of_layer = layer if isinstance(layer, str) else None
    nodes: dict[str, Row] = {}
    for at, node in _objects(network.get("node"), f"{place}.node", found):
        row = _node(name, of_layer, node, at, found)
        if row is not None:
            _keep(nodes, row, "node_id", at, found)
    links: dict[str, Row] = {}
    for at, link in _objects(network.get(_LINKS), f"{place}.link", found):
        made = _link(name, of_layer, link, (at, nodes), found)
        if made is not None:
            _keep(links, made, "link_id", at, found)
    found.nodes.extend(nodes.values())
    found.links.extend(links.values())


def _keep(rows: dict[str, Row], row: Row, key: str, place: str, found: ReadTopology) -> None:
    name = row[key]
    if name in rows and rows[name] != row:
        found.remark(place, name, f"{name!r} stands twice and differs; the later one counts.")
    rows[name] = row


def _node(
    network: str, layer: str | None, node: Row, place: str, found: ReadTopology
) -> Row | None:
    name = _name(node, "node-id")
    if name is None:
        found.remark(place, network, "A node has no node-id; it is left out.", node)
        return None
    _tell_others(node, _NODE_KEYS, place, found)
    ours = _part(node, f"{_OURS}node-attributes")
    told = _text(ours, "name")
    for module in (f"{_L3}l3-node-attributes", f"{_L2}l2-node-attributes"):
        told = told or _text(_part(node, module), "name")
    return {
        "network_id": network,
        "node_id": name,
        "kind": _text(ours, "kind"),
        "layer": _text(ours, "layer") or layer,
        "name": told,
        "managed_object_dn": _text(ours, "managed-object"),
        "site_id": _text(ours, "site-id"),
        "latitude_deg": _number(ours, "latitude", place, found),
        "longitude_deg": _number(ours, "longitude", place, found),
        "supported_by": [
            other
            for _, other in _supporting(
                node, "supporting-node", ("network-ref", "node-ref"), (network, place), found
            )
        ],
    }


def _link(
    network: str,
    layer: str | None,
    link: Row,
    where: tuple[str, Mapping[str, Row]],
    found: ReadTopology,
) -> Row | None:
    place, nodes = where
    name = _name(link, "link-id")
    begin = _name(_part(link, "source"), "source-node")
    end = _name(_part(link, "destination"), "dest-node")
    problem = None
    if name is None:
        problem = "A link has no link-id"
    elif begin is None or end is None:
        problem = "A link lacks its source-node or dest-node"
    elif begin == end:
        problem = f"A link ends where it begins, at {begin!r}"
    elif begin not in nodes or end not in nodes:
        unknown = [one for one in (begin, end) if one not in nodes]
        problem = f"No node of the network is called {', '.join(map(repr, unknown))}"
    if problem is not None:
        found.remark(place, name or network, f"{problem}; it is left out.", link)
        return None
    _tell_others(link, _LINK_KEYS, place, found)
    ours, l2 = _part(link, f"{_OURS}link-attributes"), _part(link, f"{_L2}l2-link-attributes")
    delay_us = _number(l2, "delay", place, found)
    delay = _number(ours, "delay-ms", place, found)
    capacity = _number(ours, "capacity-mbps", place, found)
    return {
        "network_id": network,
        "link_id": name,
        "layer": _text(ours, "layer") or layer,
        "from_node_id": begin,
        "to_node_id": end,
        "from_dn": _text(ours, "source-object"),
        "to_dn": _text(ours, "destination-object"),
        "capacity_mbps": _number(l2, "rate", place, found) if capacity is None else capacity,
        "length_km": _number(ours, "length-km", place, found),
        "delay_ms": delay_us / 1_000.0 if delay is None and delay_us is not None else delay,
        _SUPPORT: _supporting(
            link, "supporting-link", ("network-ref", "link-ref"), (network, place), found
        ),
    }


def _supporting(
    told: Row, key: str, references: tuple[str, str], where: tuple[str, str], found: ReadTopology
) -> list[tuple[str, str]]:
    """Return what supports a node or link: network and name, each once, in order."""
    network, place = where
    by_network, by_name = references
    names: dict[tuple[str, str], None] = {}
    for at, part in _objects(told.get(key), f"{place}.{key}", found):
        name = _name(part, by_name)
        if name is None:
            found.remark(at, "", f"A {key} names no {by_name}.", part)
        else:
            names[_name(part, by_network) or network, name] = None
    return list(names)


def _drop_circles(found: ReadTopology) -> None:
    """Leave out what supports links that in the end support themselves."""
    carried = nx.DiGraph()
    for row in found.links:
        own = (row["network_id"], row["link_id"])
        carried.add_edges_from((own, other) for other in row[_SUPPORT])
    circles = {
        link
        for group in nx.strongly_connected_components(carried)
        for link in group
        if len(group) > 1 or carried.has_edge(link, link)
    }
    for row in found.links:
        supports = row.pop(_SUPPORT)
        if (row["network_id"], row["link_id"]) in circles:
            reason = f"The link {row['link_id']!r} supports itself; by what is left out."
            found.remark(row["network_id"], row["link_id"], reason, supports)
            supports = []
        row["supported_by"] = list(dict.fromkeys(name for _, name in supports))


def _objects(told: object, place: str, found: ReadTopology) -> Iterator[tuple[str, Row]]:
    if told is None:
        return
    if not isinstance(told, list):
        found.remark(place, "", "This is no JSON list.", told)
        return
    for number, item in enumerate(told, 1):
        if isinstance(item, dict):
            yield f"{place}[{number}]", item
        else:
            found.remark(f"{place}[{number}]", "", "This is no JSON object.", item)


def _tell_others(told: Row, known: set[str], place: str, found: ReadTopology) -> None:
    others = [name for name in told if name not in known]
    if others:
        kept = {name: told[name] for name in others}
        found.remark(place, "", f"Not read: {', '.join(others)[:300]}.", kept)


def _part(told: Row, name: str) -> Row:
    part = told.get(name)
    return part if isinstance(part, dict) else {}


def _name(told: Row, name: str) -> str | None:
    value = told.get(name)
    return value.strip() if isinstance(value, str) and value.strip() else None


def _text(told: Row, name: str) -> str | None:
    value = told.get(name)
    return str(value) if isinstance(value, str) and value else None


def _number(told: Row, name: str, place: str, found: ReadTopology) -> float | None:
    value = told.get(name)
    if value is None:
        return None
    try:
        number = float(value) if isinstance(value, str) else float("nan")
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        found.remark(place, "", f"{name} is no number.", value)
        return None
    return number
