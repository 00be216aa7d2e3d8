"""Grounding: what a text about a run claims must stand in what the run's tools gave.

What others wrote, in tickets, alarms and documents, is known only beside its source: it may be
repeated where that source is cited, as `[id]`. What is checked is listed in claims.py; comparisons
in words (`twice`, `worse than`) are not.
"""

from collections.abc import Iterator, Mapping, Sequence

from tasks.agents.claims import Claim, claims, normal
from tasks.agents.tools import ToolResult
from tasks.agents.untrusted import is_token
from tasks.agents.value_pool import ValuePool
from tasks.messages.canonical import JsonValue


class KnownValues:
    """Everything that a session's tools gave; worked out only when a text must be checked."""

    def __init__(self) -> None:
        self.results: list[ToolResult] = []
        self._facts_pool = ValuePool()
        self._by_source: dict[str, ValuePool] = {}
        self._sources: set[str] = set()
        self._read = 0

    def add(self, result: ToolResult) -> None:
        """Note what a tool gave."""
        self.results.append(result)

    def add_fact(self, key: str, value: JsonValue) -> None:
        """Note a number or name that code has worked out."""
        self._facts_pool.add(value, key)

    def copy(self) -> "KnownValues":
        """Return the same values for a branch, which adds its own."""
        other = KnownValues()
        other.results = list(self.results)
        return other

    def take_in(self, other: "KnownValues") -> None:
        """Note what a branch found beyond what it was given."""
        known = {id(result) for result in self.results}
        self.results.extend(result for result in other.results if id(result) not in known)

    def fabricated(self, text: str) -> list[str]:
        """Return what a text claims that nothing gave, in order."""
        self._read_results()
        made = claims(normal(text))
        cited = [claim.text for claim in made if claim.kind == "citation"]
        quoted = (self._by_source[one] for one in cited if one in self._by_source)
        pools = [self._facts_pool, *quoted]
        return [claim.text for claim in made if not self._is_known(claim, pools)]

    def citations_in(self, text: str) -> tuple[str, ...]:
        """Return the known sources that a text cites, each once, in order."""
        self._read_results()
        cited = (claim.text for claim in claims(normal(text)) if claim.kind == "citation")
        return tuple(dict.fromkeys(one for one in cited if one in self._sources))

    def _is_known(self, claim: Claim, pools: Sequence[ValuePool]) -> bool:
        if claim.kind == "citation":
            return claim.text in self._sources
        return any(pool.holds(claim) for pool in pools)

    def _read_results(self) -> None:
        for result in self.results[self._read :]:
            self._sources.update(normal(source) for source in result.sources)
            self._facts_pool.add(len(result.rows))
            self._facts_pool.add(list(result.sources))
            if not result.is_untrusted:
                self._facts_pool.add(result.says)
            for row in result.rows:
                self._read_row(row, is_untrusted=result.is_untrusted)
        self._read = len(self.results)
        for pool in (self._facts_pool, *self._by_source.values()):
            pool.sort()

    def _read_row(self, row: Mapping[str, JsonValue], *, is_untrusted: bool) -> None:
        ids = _ids_of(row)
        self._sources.update(ids)
        for key, value in leaves(row):
            if is_untrusted and isinstance(value, str) and not is_token(value):
                for one in ids:
                    self._by_source.setdefault(one, ValuePool()).add(value, key)
            else:
                self._facts_pool.add(value, key)


def _ids_of(row: Mapping[str, JsonValue]) -> list[str]:
    return [
        normal(value)
        for key, value in row.items()
        if key.endswith("_id") and isinstance(value, str) and value
    ]


def leaves(value: JsonValue, key: str = "") -> Iterator[tuple[str, JsonValue]]:
    """Yield every value in a JSON value that holds no others, with the key that it stands under."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from leaves(inner, str(name))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for inner in value:
            yield from leaves(inner, key)
    else:
        yield key, value
