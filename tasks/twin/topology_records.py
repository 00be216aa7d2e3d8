"""The sample network's topology as RFC 8345 tells it: networks of nodes and links, in layers.

`ip` holds routers and their links, microwave hops among them; `optical` the terminals and links
that carry those of fibre; `ran` the sites and `core` the functions, each on the router that it
stands behind. What the standard has no word for stands under `anops-topology`.
"""

from datetime import datetime
from typing import Any

from tasks.twin.layout import Network
from tasks.twin.transport_network import TransportLink, TransportNetwork, TransportNode

Record = dict[str, Any]

_TYPES: dict[str, Record] = {
    "ip": {"ietf-l3-unicast-topology:l3-unicast-topology": {}},
    "optical": {"ietf-wson-topology:wson-topology": {}},
    "ran": {},
    "core": {},
}


def topology_document(
    network: Network, transport: TransportNetwork, moment: datetime, *, without: str | None = None
) -> Record:
    """Return all networks of a moment as one document.

    Args:
        network: sites.
        transport: routers, terminals, links and functions.
        moment: when it is so.
        without: a link that is not there yet.
    """
    nodes: dict[str, list[Record]] = {name: [] for name in _TYPES}
    for node in transport.nodes:
        nodes["optical" if node.kind == "optical_terminal" else "ip"].append(_node(node))
    for site in network.sites:
        told = {
            "kind": "site",
            "managed-object": site.element_dn,
            "site-id": site.site_id,
            "latitude": round(site.latitude_deg, 6),
            "longitude": round(site.longitude_deg, 6),
        }
        on = transport.router_of_site[site.index]
        nodes["ran"].append(_standing(site.site_id, told, on))
    for function in transport.functions:
        told = {"kind": function.object_class, "managed-object": function.dn}
        nodes["core"].append(_standing(function.dn, told, function.node_id))
    links: dict[str, list[Record]] = {name: [] for name in _TYPES}
    for link in transport.links:
        if link.link_id != without:
            name = "optical" if link.layer == "optical" else "ip"
            links[name].append(_link(link, without))
    told_networks = [
        {
            "network-id": name,
            "network-types": types,
            "anops-topology:layer": name,
            "node": nodes[name],
            "ietf-network-topology:link": links[name],
        }
        for name, types in _TYPES.items()
    ]
    taken_at = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    return {
        "ietf-network:networks": {"anops-topology:taken-at": taken_at, "network": told_networks}
    }


def _node(node: TransportNode) -> Record:
    told: Record = {
        "kind": node.kind,
        "managed-object": node.dn,
        "latitude": round(node.latitude_deg, 6),
        "longitude": round(node.longitude_deg, 6),
    }
    if node.site_id is not None:
        told["site-id"] = node.site_id
    return {"node-id": node.node_id, "anops-topology:node-attributes": told}


def _standing(name: str, told: Record, on: str) -> Record:
    return {
        "node-id": name,
        "supporting-node": [{"network-ref": "ip", "node-ref": on}],
        "anops-topology:node-attributes": told,
    }


def _link(link: TransportLink, without: str | None) -> Record:
    told: Record = {
        "link-id": link.link_id,
        "source": {"source-node": link.a},
        "destination": {"dest-node": link.b},
        "anops-topology:link-attributes": {
            "layer": link.layer,
            "source-object": link.a_dn,
            "destination-object": link.b_dn,
            "capacity-mbps": link.capacity_mbps,
            "length-km": round(link.length_km, 4),
            "delay-ms": round(link.delay_ms, 6),
        },
    }
    carrying = [name for name in link.supported_by if name != without]
    if carrying:
        told["supporting-link"] = [
            {"network-ref": "optical", "link-ref": name} for name in carrying
        ]
    return told
