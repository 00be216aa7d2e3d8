"""Who holds a role after whom: what a rollback goes back to."""

from collections.abc import Sequence
from datetime import datetime

Assignment = tuple[int | None, str, str, datetime]
"""Version (None: nobody), reason, author and since when, as `ModelRegistry.assignments` tells."""


def former_holder(assignments: Sequence[Assignment]) -> int | None:
    """Return who held a role before the one who holds it now; None when nobody did.

    A return to the former holder undoes the step that left it, so rolling back twice goes back two
    steps and never to and fro.

    >>> when = datetime(2026, 3, 1)
    >>> former_holder([(1, "", "", when), (2, "", "", when), (3, "", "", when)])
    2
    >>> former_holder([(1, "", "", when), (2, "", "", when), (3, "", "", when), (2, "", "", when)])
    1
    """
    steps: list[int | None] = [None]
    for version, _, _, _ in assignments:
        if len(steps) > 1 and steps[-2] == version:
            steps.pop()
        elif steps[-1] != version:
            steps.append(version)
    return steps[-2] if len(steps) > 1 else None
