"""K-means with a k-means++ start, repeatable from a seed."""

import numpy as np

from tasks.anomaly.arrays import Floats, Integers

_ROWS_AT_ONCE = 8192


def nearest(rows: Floats, centers: Floats, count: int = 1) -> tuple[Integers, Floats]:
    """Return the `count` nearest centers of each row and their squared distances, nearest first.

    Args:
        rows: [rows, columns] without gaps.
        centers: [centers, columns]; at least `count`.
        count: how many.
    """
    which = np.empty((len(rows), count), np.intp)
    squares = np.empty((len(rows), count), np.float32)
    lengths = np.einsum("ck,ck->c", centers, centers)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        block = rows[start : start + _ROWS_AT_ONCE]
        spread = lengths - 2 * (block @ centers.T)
        if count == 1:
            found = spread.argmin(axis=1)[:, None]
        else:
            found = np.argpartition(spread, count - 1, axis=1)[:, :count]
        distance = np.take_along_axis(spread, found, axis=1)
        order = np.argsort(distance, axis=1)
        own = np.einsum("rk,rk->r", block, block)[:, None]
        which[start : start + len(block)] = np.take_along_axis(found, order, axis=1)
        squares[start : start + len(block)] = own + np.take_along_axis(distance, order, axis=1)
    return which, np.maximum(squares, 0)


def cluster_centers(rows: Floats, count: int, rounds: int, seed: int) -> Floats:
    """Return centers of clusters of rows, [at most `count`, columns]; none is empty.

    Source: Arthur and Vassilvitskii 2007 for the start, Lloyd's rounds after it.
    """
    random = np.random.default_rng(seed)
    centers = _spread_start(rows, count, random)
    for _ in range(rounds):
        which = nearest(rows, centers)[0][:, 0]
        sizes = np.bincount(which, minlength=len(centers))
        order = np.argsort(which, kind="stable")
        first = np.concatenate([[0], np.cumsum(sizes)[:-1]])[sizes > 0]
        sums = np.add.reduceat(rows[order], first, axis=0)
        centers = np.asarray(sums / sizes[sizes > 0][:, None], rows.dtype)
    return centers


def _spread_start(rows: Floats, count: int, random: np.random.Generator) -> Floats:
    chosen = [int(random.integers(len(rows)))]
    squares = nearest(rows, rows[chosen[-1:]])[1][:, 0].astype(np.float64)
    while len(chosen) < count and squares.sum() > 0:
        chosen.append(int(random.choice(len(rows), p=squares / squares.sum())))
        squares = np.minimum(squares, nearest(rows, rows[chosen[-1:]])[1][:, 0])
    return rows[chosen]
