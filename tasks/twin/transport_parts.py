"""What a transport network and a core consist of: nodes, links and network functions."""

from dataclasses import dataclass
from typing import Literal

NodeKind = Literal["cell_site_router", "aggregation_router", "core_router", "optical_terminal"]
Layer = Literal["ip", "optical", "microwave"]


@dataclass(frozen=True, slots=True)
class TransportNode:
    """A router or an optical terminal; `site_id` of a cell-site router is its site's."""

    node_id: str
    dn: str
    kind: NodeKind
    latitude_deg: float
    longitude_deg: float
    site_id: str | None


@dataclass(frozen=True, slots=True)
class TransportLink:
    """A link between two nodes, of the same capacity in both directions.

    Attributes:
        a: identifier of one node; on the way to a site it comes first.
        b: identifier of the other.
        a_dn: the interface, or the optical channel, at a; b_dn that at b.
        delay_ms: one way, without queues.
        supported_by: the optical links that carry an IP link.
    """

    link_id: str
    layer: Layer
    a: str
    b: str
    a_dn: str
    b_dn: str
    capacity_mbps: float
    length_km: float
    delay_ms: float
    supported_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CoreFunction:
    """A network function of the 5G core, and the router behind which it runs."""

    dn: str
    object_class: str
    node_id: str
