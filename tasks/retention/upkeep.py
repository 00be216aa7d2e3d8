"""Upkeep of one table: delete what is over, compact, give up snapshots, remove orphans, check."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from data_products.lineage import Lineage
from semantic_layer.errors import TransientError
from semantic_layer.lifecycle import Lifecycle
from tasks.ports import StoreSize, TableMaintenance
from tasks.retention.planning import lifetime_over, readable_until, rewrites

ORPHAN_AGE = timedelta(days=1)
"""A file this old that nothing refers to was left by a run that died, not by one that runs."""


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What was done to one table.

    Attributes:
        table: full name.
        before, after: what it took.
        compacted: files that went into larger ones.
        given_way: compactions left for the next time because a publish came between.
        snapshots_expired: states that can no longer be read.
        orphans_removed: files deleted that nothing needed.
        deleted: the window whose rows outlived the lifecycle; empty for none.
        problems: files that are missing or wrong, as sentences.
    """

    table: str
    before: StoreSize
    after: StoreSize
    compacted: int
    given_way: int
    snapshots_expired: int
    orphans_removed: int
    deleted: str
    problems: tuple[str, ...]

    def row(self) -> dict[str, Any]:
        """Return it as one row of a table for people."""
        before, after = asdict(self.before), asdict(self.after)
        sizes = {f"{name} before": before[name] for name in before}
        sizes |= {f"{name} after": after[name] for name in after}
        return {
            "table": self.table,
            **dict(sorted(sizes.items())),
            "compacted": self.compacted,
            "given way": self.given_way,
            "snapshots expired": self.snapshots_expired,
            "orphans removed": self.orphans_removed,
            "deleted": self.deleted,
            "problems": "; ".join(self.problems),
        }


def keep_up(
    store: TableMaintenance,
    table: str,
    rule: Lifecycle,
    now: datetime,
    lineage: Lineage,
    newest: datetime | None = None,
    orphan_age: timedelta = ORPHAN_AGE,
) -> Upkeep:
    """Bring one table to what its lifecycle says.

    Broken files are looked for first: a table with one is reported and not rewritten.

    Args:
        store: does it.
        table: full name.
        rule: its lifecycle.
        now: the moment that ages of snapshots and files are counted from.
        lineage: who deletes what is over; stands in the history.
        newest: the moment that ages of rows are counted from, where it lies before `now`: the
            network's newest time. A network that is replayed, or has fallen silent, does not age.
        orphan_age: no younger file is removed.

    Raises:
        TransientError: the store did not answer.
    """
    told = now if newest is None else min(now, newest)
    before = store.size(table)
    problems = tuple(store.problems(table))
    over = lifetime_over(store.files(table), rule, told)
    if over is not None and not problems:
        store.delete(table, over, lineage)
    compacted = given_way = 0
    for planned in [] if problems else rewrites(store.files(table), rule, told):
        if store.rewrite(table, planned.paths, planned.kind):
            compacted += len(planned.paths)
        else:
            given_way += 1
    try:
        expired = store.expire(table, readable_until(rule, now))
    except TransientError:  # publishes kept coming first; the next upkeep finds the same snapshots
        expired = 0
    orphans = 0 if problems else store.remove_orphans(table, now - orphan_age)
    return Upkeep(
        table=table,
        before=before,
        after=store.size(table),
        compacted=compacted,
        given_way=given_way,
        snapshots_expired=expired,
        orphans_removed=orphans,
        deleted=str(over) if over is not None and not problems else "",
        problems=problems,
    )
