"""The lineage of tables as a drawing: sources, tables and readers in layers, left to right.

Only places are worked out here; the template draws them, and escapes every name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import networkx as nx

from data_products.lineage_graph import LineageGraph, Node

_SHOWN = ("source", "table", "consumer")
_WIDTH, _HEIGHT, _ROW, _COLUMN, _MARGIN = 180, 28, 38, 226, 14
_SWEEPS = 6


@dataclass(frozen=True, slots=True)
class Box:
    """One thing in the drawing."""

    kind: str
    name: str
    link: str
    x: float
    y: float
    reaches: str

    @property
    def width(self) -> int:
        """How wide every box is."""
        return _WIDTH

    @property
    def height(self) -> int:
        """How high every box is."""
        return _HEIGHT


@dataclass(frozen=True, slots=True)
class Line:
    """One way that values take, as an SVG path."""

    start: str
    end: str
    path: str


@dataclass(frozen=True, slots=True)
class LineagePicture:
    """The whole drawing, in its own units."""

    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    width: float
    height: float


def lineage_picture(graph: LineageGraph, product_of: Mapping[str, str]) -> LineagePicture:
    """Return the drawing of sources, tables and readers.

    Args:
        graph: the whole lineage.
        product_of: table to its product, to link a box with its place on the page.
    """
    shown = nx.DiGraph(graph.graph.subgraph(node for node in graph.graph if node.kind in _SHOWN))
    shown.remove_nodes_from([node for node in shown if not shown.degree(node)])
    layers = _layers(shown)
    rows = _ordered(shown, layers)
    places = {
        node: (
            _MARGIN + depth * _COLUMN,
            _MARGIN + (row + _centred(len(layer), rows)) * _ROW,
        )
        for depth, layer in enumerate(rows)
        for row, node in enumerate(layer)
    }
    boxes = tuple(
        Box(
            node.kind,
            node.name,
            f"#product-{product_of[node.name]}" if node.name in product_of else "",
            *places[node],
            " ".join(
                _key(each)
                for each in sorted(nx.descendants(shown, node) | nx.ancestors(shown, node))
            ),
        )
        for node in sorted(places)
    )
    lines = tuple(
        Line(_key(start), _key(end), _curve(places[start], places[end]))
        for start, end in sorted(shown.edges)
    )
    deepest = max((len(layer) for layer in rows), default=1)
    return LineagePicture(
        boxes,
        lines,
        width=2 * _MARGIN + max(len(rows) - 1, 0) * _COLUMN + _WIDTH,
        height=2 * _MARGIN + deepest * _ROW,
    )


def box_key(kind: str, name: str) -> str:
    """Return the key by which script and lines know a box."""
    return f"{kind}:{name}".replace(" ", "_")


def _reached(graph: "nx.DiGraph[Node]", node: Node) -> str:
    return " ".join(map(_key, sorted(nx.descendants(graph, node) | nx.ancestors(graph, node))))


def _key(node: Node) -> str:
    return box_key(node.kind, node.name)


def _layers(graph: "nx.DiGraph[Node]") -> dict[Node, int]:
    """Return each node's layer: behind everything that feeds it; circles share a layer."""
    whole = nx.condensation(graph)
    depth: dict[int, int] = {}
    found: dict[Node, int] = {}
    for part in nx.topological_sort(whole):
        depth[part] = max((depth[one] + 1 for one in whole.predecessors(part)), default=0)
        for node in whole.nodes[part]["members"]:
            found[node] = depth[part]
    for node in graph:
        followers = [found[each] for each in graph.successors(node)]
        if node.kind == "source" and followers:
            found[node] = max(min(followers) - 1, 0)
    return found


def _ordered(graph: "nx.DiGraph[Node]", layers: Mapping[Node, int]) -> list[list[Node]]:
    """Return the layers, each ordered so that lines cross little: by the middle of neighbours."""
    rows = [
        sorted(node for node in layers if layers[node] == depth)
        for depth in range(max(layers.values(), default=0) + 1)
    ]
    for _ in range(_SWEEPS):
        for these in rows:
            place = {node: row for layer in rows for row, node in enumerate(layer)}
            middles = {node: _middle(graph, node, place) for node in these}
            these.sort(key=lambda node, middles=middles: (middles[node], node))  # type: ignore[misc]
    return rows


def _middle(graph: "nx.DiGraph[Node]", node: Node, place: Mapping[Node, int]) -> float:
    near = [place[each] for each in (*graph.predecessors(node), *graph.successors(node))]
    return sum(near) / len(near) if near else float(place[node])


def _centred(size: int, rows: Sequence[Sequence[Node]]) -> float:
    return (max(len(layer) for layer in rows) - size) / 2


def _curve(start: tuple[float, float], end: tuple[float, float]) -> str:
    x, y = start[0] + _WIDTH, start[1] + _HEIGHT / 2
    to_x, to_y = end[0], end[1] + _HEIGHT / 2
    bend = max((to_x - x) / 2, 30)
    return f"M{x:g} {y:g}C{x + bend:g} {y:g} {to_x - bend:g} {to_y:g} {to_x:g} {to_y:g}"
