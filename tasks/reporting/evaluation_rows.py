"""The detection evaluation, if a run made one: rows of plain values for the report's table."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from semantic_layer.errors import InputError


def evaluation_rows(
    evaluation: str | Sequence[Mapping[str, Any]] | None,
) -> tuple[Mapping[str, object], ...]:
    """Return the rows to show: measure, detector, baseline, or whatever columns they have.

    Args:
        evaluation: the rows; or the path of a JSON file that holds a list of them; or the path
            of any other report, which is then named; or None.

    Raises:
        InputError: the JSON file is not there, or does not hold a list of flat objects.
    """
    if not evaluation:
        return ()
    if not isinstance(evaluation, str):
        return tuple(dict(row) for row in evaluation)
    if not evaluation.endswith(".json"):
        return ({"evaluation report": evaluation},)
    try:
        rows = json.loads(Path(evaluation).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"The evaluation {evaluation} cannot be read: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"The evaluation {evaluation} must hold a list of objects, one a row.")
    return tuple(rows)
