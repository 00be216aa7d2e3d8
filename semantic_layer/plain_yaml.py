"""YAML that people write for us: in UTF-8, of bounded depth, without aliases.

Aliases let a short text say endlessly much, depth beyond bounds ends the process, and PyYAML meets
odd tags and dates with errors of any kind. Here each of them is a `yaml.YAMLError` that says so.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

MOST_LEVELS = 60
"""How deep a text may be nested."""

_Events: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_OPENING = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CLOSING = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


def read_yaml_file(path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    """Return what a file holds.

    Raises:
        yaml.YAMLError: it is no plain YAML in UTF-8.
        OSError: it cannot be opened.
    """
    return read_yaml(yaml_text(path))[1]


def yaml_text(path: Path) -> str:
    """Return a file's text.

    Raises:
        yaml.YAMLError: it is not in UTF-8.
        OSError: it cannot be opened.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise yaml.MarkedYAMLError(problem=f"it is no text in UTF-8 ({error.reason})") from error


def read_yaml(text: str) -> tuple[yaml.Node | None, Any]:
    """Return what a text holds, as nodes with their lines and as plain values.

    Raises:
        yaml.YAMLError: it is no plain YAML.
    """
    require_plain(text)
    with odd_values_told():
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            return node, None if node is None else loader.construct_document(node)
        finally:
            loader.dispose()


def require_plain(text: str) -> None:
    """Raise if a text has an alias or is nested too deep; other faults are left to the loader.

    Raises:
        yaml.YAMLError: it does.
    """
    depth = 0
    for event in _events(text):
        if isinstance(event, yaml.AliasEvent):
            raise _problem("aliases (`*name`) are not read here; write it out", event.start_mark)
        depth += isinstance(event, _OPENING)
        depth -= isinstance(event, _CLOSING)
        if depth > MOST_LEVELS:
            raise _problem(f"it is nested more than {MOST_LEVELS} deep", event.start_mark)


@contextmanager
def odd_values_told() -> Iterator[None]:
    """Turn what PyYAML raises on odd tags, dates and numbers into a `yaml.YAMLError`."""
    try:
        yield
    except (ValueError, TypeError, AttributeError, LookupError, OverflowError) as error:
        raise yaml.MarkedYAMLError(problem=f"a value in it cannot be read ({error})") from error
    except RecursionError as error:
        raise yaml.MarkedYAMLError(problem="it is nested too deep") from error


def _events(text: str) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(text, Loader=_Events)
    except (yaml.YAMLError, ValueError):
        return


def _problem(says: str, mark: Any) -> yaml.MarkedYAMLError:  # noqa: ANN401 - of PyYAML or libyaml
    return yaml.MarkedYAMLError(problem=says, problem_mark=mark)
