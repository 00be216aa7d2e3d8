"""Writes topology documents: one of the first night, one of the newest day's night.

In the first, one redundant link of the backbone is not built yet.
"""

import json
from datetime import datetime, timedelta
from pathlib import Path

import networkx as nx
import numpy as np

from tasks.twin.layout import Network
from tasks.twin.topology_records import topology_document
from tasks.twin.traffic import PERIODS_A_DAY, Season
from tasks.twin.transport_network import TransportNetwork

_HOUR = 3


def write_topology_documents(
    network: Network, transport: TransportNetwork, calendar: Season, seed: int, folder: Path
) -> dict[str, int]:
    """Write the topology of two nights below `folder`; return counts for the manifest.

    Returns:
        `topology_nodes` and `topology_links` of the newest night, of all layers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    early, late = topology_nights(calendar)
    missing = link_built_later(transport, seed)
    for night, without in ((early, missing), (late, None)):
        told = topology_document(network, transport, night, without=without)
        text = json.dumps(told, separators=(",", ":")) + "\n"
        (folder / f"topology_{night:%Y%m%d.%H%M}Z.json").write_text(text, encoding="utf-8")
    nodes = len(transport.nodes) + len(network.sites) + len(transport.functions)
    return {"topology_nodes": nodes, "topology_links": len(transport.links)}


def topology_nights(calendar: Season) -> tuple[datetime, datetime]:
    """Return the moments of the two documents."""
    newest = calendar.starts[-PERIODS_A_DAY]
    return calendar.starts[0] + timedelta(hours=_HOUR), newest + timedelta(hours=_HOUR)


def link_built_later(transport: TransportNetwork, seed: int) -> str | None:
    """Return an IP link that the first night lacks; None where each is needed."""
    graph = nx.MultiGraph()
    routed = [link for link in transport.links if link.layer != "optical"]
    graph.add_edges_from((link.a, link.b, link.link_id) for link in routed)
    bridges = {frozenset(pair) for pair in nx.bridges(nx.Graph(graph))}
    spare = sorted(link.link_id for link in routed if frozenset((link.a, link.b)) not in bridges)
    if not spare:
        return None
    return spare[int(np.random.default_rng([seed, 33]).integers(0, len(spare)))]
