"""Labels that last: a pattern keeps the name it had while it stays the pattern it was.

Patterns of this week are matched with last week's so that the total likeness is greatest, one to
one (H. W. Kuhn, "The Hungarian method for the assignment problem", 1955; SciPy's solver). A pattern
that matches none is given a number that was never given before; the number of a pattern that is
gone rests.
"""

import re
from collections.abc import Iterable, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from tasks.profiling.arrays import Floats

_LABEL = re.compile(r"^profile-(\d+)$")


def matched_labels(
    likenesses: Floats, previous: Sequence[str], ever: Iterable[str], least: float
) -> list[str]:
    """Return a label for each pattern.

    Args:
        likenesses: r of this week's patterns (rows, in order of importance) with last week's.
        previous: last week's labels, one a column.
        ever: every label that is remembered.
        least: likeness that a pattern needs to keep a label.
    """
    rows, columns = linear_sum_assignment(-np.where(likenesses >= least, likenesses, -1e3))
    kept = {
        int(row): previous[column]
        for row, column in zip(rows, columns, strict=True)
        if likenesses[row, column] >= least
    }
    last = max((label_number(label) for label in (*previous, *ever)), default=0)
    labels: list[str] = []
    for row in range(len(likenesses)):
        if row not in kept:
            last += 1
        labels.append(kept.get(row, f"profile-{last:02d}"))
    return labels


def label_number(label: str) -> int:
    """Return the number of a label, 0 for text that is none.

    >>> label_number("profile-07"), label_number("unknown")
    (7, 0)
    """
    found = _LABEL.match(label)
    return int(found[1]) if found else 0
