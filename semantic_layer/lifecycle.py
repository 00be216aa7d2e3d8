"""How long rows are kept, and where: by age, for each product, as definitions.

A row is hot (fast store) until `hot_days` old, warm (table store) until `warm_days`, cold (table
store, compacted hard) until `cold_days`, then deleted. Rules change no number that is published,
so they are no part of the catalogue's version.
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Lifecycle(BaseModel):
    """One rule of keeping.

    Attributes:
        name: ours; unique.
        tables: names of tables, or patterns such as `cell_anomalies*`.
        hot_days: age until which rows lie in the fast store too; 0 for never.
        warm_days: age until which rows lie as they were written.
        cold_days: age at which rows are deleted; None keeps them.
        keep_snapshots_days: how far back the table can be read as it was.
        target_file_mb: size that maintenance makes files.
        description: one sentence, with the reason.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    tables: tuple[str, ...] = Field(min_length=1)
    hot_days: int = Field(ge=0)
    warm_days: int = Field(ge=1)
    cold_days: int | None = Field(default=None, ge=1)
    keep_snapshots_days: int = Field(ge=1)
    target_file_mb: int = Field(ge=1, le=2048)
    description: str

    @model_validator(mode="after")
    def _ages_in_order(self) -> "Lifecycle":
        if self.hot_days > self.warm_days:
            raise ValueError("hot_days must not exceed warm_days")
        if self.cold_days is not None and self.warm_days > self.cold_days:
            raise ValueError("warm_days must not exceed cold_days")
        return self

    def closeness(self, table: str) -> int | None:
        """Return how closely the rule names a table (letters that are no wildcards), or None."""
        found = [_letters(pattern) for pattern in self.tables if fnmatchcase(table, pattern)]
        return max(found, default=None)


def closest(rules: Iterable[Lifecycle], table: str) -> Lifecycle | None:
    """Return the rule that names `table` most closely; a later one wins a tie."""
    best: tuple[int, Lifecycle] | None = None
    for rule in rules:
        closeness = rule.closeness(table)
        if closeness is not None and (best is None or closeness >= best[0]):
            best = (closeness, rule)
    return best[1] if best else None


def _letters(pattern: str) -> int:
    return sum(letter not in "*?[]" for letter in pattern)
