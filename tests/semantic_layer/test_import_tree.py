"""Definitions import as a tree: no module of the semantic layer needs itself, even for types."""

import ast
from pathlib import Path

import networkx as nx

import semantic_layer

ROOM = Path(semantic_layer.__file__).parent


def imported(path: Path) -> set[str]:
    """Return the sibling modules that a module imports anywhere, for types too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("semantic_layer."):
            names.add((node.module or "").removeprefix("semantic_layer."))
    return names


def test_modules_of_the_room_import_without_a_circle():
    edges = [(path.stem, name) for path in ROOM.glob("*.py") for name in imported(path)]
    graph = nx.DiGraph(edges)
    assert len(edges) > 40
    assert list(nx.simple_cycles(graph)) == []


def test_definitions_know_nothing_of_the_catalogue_that_holds_them():
    graph = nx.DiGraph([(path.stem, name) for path in ROOM.glob("*.py") for name in imported(path)])
    for module in ("kpi_definitions", "kpis", "measurements", "alarms", "correlation", "draft"):
        assert not {"catalogue_type", "loading"} & nx.descendants(graph, module), module
