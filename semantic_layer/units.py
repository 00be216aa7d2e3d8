"""Units: what a number counts, and by how much two of them differ.

A unit is a product of powers of the symbols below. Its dimension says what may be added or
divided; its factor turns a value into base units (bit, s, J, PRB, one). Conversions between
definitions are worked out here and written nowhere else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from semantic_layer.errors import DefinitionError, did_you_mean

Dimension = tuple[tuple[str, int], ...]
"""Base quantities and their powers, sorted, without zeros; empty for a plain number."""

_SYMBOLS: Mapping[str, tuple[float, Mapping[str, int]]] = {
    "1": (1.0, {}),
    "%": (0.01, {}),
    "index": (1.0, {}),
    "ratio": (1.0, {}),
    "bit": (1.0, {"bit": 1}),
    "kbit": (1e3, {"bit": 1}),
    "Mbit": (1e6, {"bit": 1}),
    "Gbit": (1e9, {"bit": 1}),
    "byte": (8.0, {"bit": 1}),
    "kbyte": (8e3, {"bit": 1}),
    "s": (1.0, {"time": 1}),
    "ms": (1e-3, {"time": 1}),
    "us": (1e-6, {"time": 1}),
    "ns": (1e-9, {"time": 1}),
    "min": (60.0, {"time": 1}),
    "h": (3600.0, {"time": 1}),
    "J": (1.0, {"energy": 1}),
    "Wh": (3.6e3, {"energy": 1}),
    "kWh": (3.6e6, {"energy": 1}),
    "W": (1.0, {"energy": 1, "time": -1}),
    "mW": (1e-3, {"energy": 1, "time": -1}),
    "pW": (1e-12, {"energy": 1, "time": -1}),
    "prb": (1.0, {"prb": 1}),
    "degC": (1.0, {"temperature": 1}),
    "dBm": (1.0, {"dBm": 1}),
    "dB": (1.0, {"dB": 1}),
}
LOGARITHMIC = frozenset({"dBm", "dB"})
"""Symbols whose values must not be added: ten and ten make thirteen."""

_SUFFIXES: Mapping[str, str] = {
    "%": "pct",
    "1": "count",
    "bit/s": "bps",
    "kbit/s": "kbps",
    "Mbit/s": "mbps",
    "kbit/s/prb": "kbps_per_prb",
}
_TERM = re.compile(r"(?P<symbol>[A-Za-z%]+|1)(?:\^(?P<power>-?[1-9]))?")


class UnitError(DefinitionError):
    """A unit cannot be read, or two units measure different things."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of measurement.

    Attributes:
        symbol: as written, such as `kbit/s`.
        dimension: what it measures.
        factor: how many base units one of it is.

    >>> (parse_unit("kWh").factor, str(parse_unit("bit/J")))
    (3600000.0, 'bit/J')
    """

    symbol: str
    dimension: Dimension
    factor: float

    def __str__(self) -> str:
        return self.symbol

    def __mul__(self, other: "Unit") -> "Unit":
        return Unit(
            f"{self.symbol}*{other.symbol}",
            _dimension(_powers(self), _powers(other), sign=1),
            self.factor * other.factor,
        )

    def __truediv__(self, other: "Unit") -> "Unit":
        return Unit(
            f"{self.symbol}/({other.symbol})",
            _dimension(_powers(self), _powers(other), sign=-1),
            self.factor / other.factor,
        )

    @property
    def is_logarithmic(self) -> bool:
        """Whether values of this unit must not be added."""
        return any(name in LOGARITHMIC for name, _ in self.dimension)

    @property
    def suffix(self) -> str:
        """The ending of a column in this unit.

        >>> [parse_unit(symbol).suffix for symbol in ("%", "Mbit/s", "bit/J", "1", "dBm")]
        ['pct', 'mbps', 'bit_per_j', 'count', 'dbm']
        """
        return (
            _SUFFIXES.get(self.symbol)
            or self.symbol.replace("1/", "per_")
            .replace("/", "_per_")
            .replace("*", "_")
            .replace("^", "")
            .lower()
        )

    def factor_to(self, other: "Unit") -> float:
        """Return what a value in this unit is multiplied by to be in `other`.

        >>> parse_unit("kbit").factor_to(parse_unit("Mbit"))
        0.001

        Raises:
            UnitError: the two measure different things.
        """
        if self.dimension != other.dimension:
            raise UnitError(
                f"Unit {self.symbol!r} measures {dimension_text(self.dimension)}, "
                f"{other.symbol!r} measures {dimension_text(other.dimension)}."
            )
        return self.factor / other.factor

    def column(self, name: str) -> str:
        """Return the column of a quantity called `name` in this unit.

        >>> (parse_unit("%").column("prb_usage_dl"), parse_unit("s").column("time_s"))
        ('prb_usage_dl_pct', 'time_s')
        """
        return name if name.endswith(f"_{self.suffix}") else f"{name}_{self.suffix}"


def parse_unit(text: str) -> Unit:
    """Return the unit written as `text`: symbols, `*`, `/` and `^`, read from the left.

    >>> parse_unit("Mbit/s").factor
    1000000.0
    >>> parse_unit("kWh").dimension == (parse_unit("W") * parse_unit("h")).dimension
    True

    Raises:
        UnitError: a symbol is unknown or the text is no product of powers.
    """
    powers: dict[str, int] = {}
    factor = 1.0
    for sign, term in _terms(text):
        symbol, power = _term(term, text)
        scale, dimension = _SYMBOLS[symbol]
        factor *= scale ** (sign * power)
        for name, exponent in dimension.items():
            powers[name] = powers.get(name, 0) + sign * power * exponent
    return Unit(text.strip(), _dimension(powers, {}, sign=1), factor)


def readable_unit(text: str) -> Unit | None:
    """Return the unit written as `text`, or None when it cannot be read."""
    try:
        return parse_unit(text)
    except UnitError:
        return None


def dimension_text(dimension: Dimension) -> str:
    """Return a dimension in words for messages.

    >>> dimension_text(parse_unit("Mbit/s").dimension)
    'bit*time^-1'
    """
    words = (name if power == 1 else f"{name}^{power}" for name, power in dimension)
    return "*".join(words) or "a plain number"


def _terms(text: str) -> list[tuple[int, str]]:
    parts = re.split(r"([*/])", text.strip())
    signs = [1] + [1 if mark == "*" else -1 for mark in parts[1::2]]
    return list(zip(signs, (part.strip() for part in parts[::2]), strict=True))


def _term(term: str, text: str) -> tuple[str, int]:
    found = _TERM.fullmatch(term)
    if found is None:
        raise UnitError(f"Unit {text!r} is no product of unit symbols; write it like 'Mbit/s'.")
    symbol = found["symbol"]
    if symbol not in _SYMBOLS:
        raise UnitError(f"No unit {symbol!r} (in {text!r}){did_you_mean(symbol, _SYMBOLS)}")
    return symbol, int(found["power"] or 1)


def _powers(unit: Unit) -> dict[str, int]:
    return dict(unit.dimension)


def _dimension(left: Mapping[str, int], right: Mapping[str, int], *, sign: int) -> Dimension:
    names = sorted({*left, *right})
    powers = ((name, left.get(name, 0) + sign * right.get(name, 0)) for name in names)
    return tuple((name, power) for name, power in powers if power)
