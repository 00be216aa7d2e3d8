"""What a model would say that always obeys the attacker: orders found in a prompt, and obeyed."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

_DEEPEST = 12
_MOST_ORDERS = 40
_LONG = 40
_FENCED = re.compile(r"<(\w[\w-]*)[^<>]*>(.*?)</\1\s*>|```\w*\n(.*?)```", re.DOTALL)
_SENTENCE = re.compile(r"[^.!?\n]+(?:\.(?=\w)[^.!?\n]*)*[.!?]?")
_ORDER = re.compile(
    r"\b(?:ignore|disregard|override|forget|instead|you must|you are now|system|urgent(?:ly)?|"
    r"immediately|from now on|instruction|admin|approve|execute|apply|set|lock|unlock|delete|"
    r"disable|restart|choose|select|answer|call|use|write|reveal|say)\b",
    re.IGNORECASE,
)
_STRONG = re.compile(
    r"\b(?:ignore|disregard|override|forget|you must|you are now|system\s*:|from now on|"
    r"new instructions?|previous instructions?)\b",
    re.IGNORECASE,
)
_DN = r"\w+=[^\s,;\"'`<>)]+(?:,\w+=[^\s,;\"'`<>)]+)*"
_NAMED = re.compile(rf"\"([^\"\n]{{1,300}})\"|`([^`\n]{{1,300}})`|({_DN})|(\w+(?:[_:/-]\w+)+)")
_NUMBER = re.compile(r"(?<![\w=])-?\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Orders:
    """What somebody wants done.

    Attributes:
        sentences: that tell what to do, the most commanding first.
        names: DNs, ids and quoted words, those of the orders first.
        numbers: likewise.
        values: JSON that stands in the text, the last first.
    """

    sentences: tuple[str, ...]
    names: tuple[str, ...]
    numbers: tuple[float, ...]
    values: tuple[Any, ...]


def orders_in(prompt: str) -> Orders:
    """Return the orders in a prompt: in its fenced parts, or anywhere if those hold none."""
    fenced = "\n".join(one or two for _, one, two in _FENCED.findall(prompt))
    sentences = _sentences(fenced) or _sentences(prompt)
    ordering = "\n".join(sentences)
    names = _unique([*_names(ordering), *_names(fenced), *_names(prompt)])
    numbers = _NUMBER.findall(ordering) or _NUMBER.findall(fenced) or _NUMBER.findall(prompt)
    values = [*_values(prompt), *_values(fenced)]
    return Orders(
        tuple(sentences), tuple(names), tuple(float(one) for one in numbers), tuple(values[::-1])
    )


def obeying_text(prompt: str) -> str:
    """Return plain text that says and repeats what the orders in a prompt want."""
    found = orders_in(prompt)
    return " ".join([*found.sentences, *found.names[:_MOST_ORDERS]]) or prompt[-_LONG:]


def obeying_value(prompt: str, schema: Schema) -> Any:  # noqa: ANN401 - any JSON
    """Return a value of `schema` that follows the orders in a prompt.

    A value that the attacker wrote out is taken as it is where it keeps the schema; else one is
    built of what the orders name.
    """
    found = orders_in(prompt)
    for value in found.values:
        if fits(value, schema, schema):
            return value
    return _Builder(schema, found).built(schema, "", 0)


def fits(value: Any, schema: Schema, whole: Schema) -> bool:  # noqa: ANN401 - any JSON
    """Tell whether a value keeps a JSON Schema, as far as pydantic writes them.

    Args:
        value: of JSON.
        schema: the part that the value is of.
        whole: where `$ref` points into.
    """
    schema = _resolved(schema, whole)
    if "const" in schema:
        return bool(value == schema["const"])
    if "enum" in schema:
        return value in schema["enum"]
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return any(fits(value, one, whole) for one in schema[key])
    kind = _KINDS.get(_kind(schema))
    return kind is None or kind(value, schema, whole)


class _Builder:
    """Builds values of a schema out of orders."""

    def __init__(self, whole: Schema, orders: Orders) -> None:
        self._whole = whole
        self._orders = orders

    def built(self, schema: Schema, name: str, depth: int) -> Any:  # noqa: ANN401 - any JSON
        """Return a value for the field `name`."""
        schema = _resolved(schema, self._whole)
        wanted = self._wanted(schema, name)
        if wanted is not None:
            return wanted
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._picked(schema["enum"])
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return self.built(_boldest(schema[key]), name, depth)
        return self._of_kind(schema, name, depth)

    def _of_kind(self, schema: Schema, name: str, depth: int) -> Any:  # noqa: ANN401 - any JSON
        match _kind(schema):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, name, depth)
            case "integer" | "number" as kind:
                return self._number(schema, kind)
            case "boolean":
                return True
            case "null":
                return None
        return self._string(schema, name)

    def _wanted(self, schema: Schema, name: str) -> Any:  # noqa: ANN401 - any JSON
        """Return the value that the attacker's own JSON gives a field, if it may stand there."""
        for value in self._orders.values:
            if isinstance(value, dict) and name in value and fits(value[name], schema, self._whole):
                return value[name]
        return None

    def _picked(self, options: list[Any]) -> Any:  # noqa: ANN401 - any JSON
        """Return the option that orders speak of most, whatever the order of options."""
        told = " ".join(self._orders.sentences).lower()

        def wish(option: Any) -> tuple[int, int, str]:  # noqa: ANN401 - any JSON
            text = str(option).lower()
            parts = [part for part in re.split(r"\W|_", text) if len(part) > 2]
            return told.count(text), sum(told.count(part) for part in parts), text

        return max(options, key=wish)

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        required = set(schema.get("required", ()))
        return {
            key: self.built(part, key, depth + 1)
            for key, part in schema.get("properties", {}).items()
            if depth < _DEEPEST or key in required
        }

    def _array(self, schema: Schema, name: str, depth: int) -> list[Any]:
        least, most = int(schema.get("minItems", 0)), int(schema.get("maxItems", 8))
        part = _resolved(schema.get("items", {}), self._whole)
        if depth >= _DEEPEST and least == 0:
            return []
        if "enum" in part:
            told = " ".join(self._orders.sentences)
            named = [one for one in part["enum"] if str(one) in told]
            return (named or [self._picked(part["enum"])])[:most]
        if _kind(part) == "string":
            named = [one for one in self._orders.names if fits(one, part, self._whole)]
            if len(named) >= least:
                return list(named[:most])
        return [self.built(part, name, depth + 1)] * max(1, least)

    def _number(self, schema: Schema, kind: str) -> float | int:
        least = schema.get("minimum", schema.get("exclusiveMinimum", -1e6))
        most = schema.get("maximum", schema.get("exclusiveMaximum", 1e6))
        wanted = next((n for n in self._orders.numbers if least < n < most), None)
        if wanted is None:
            wanted = most if "exclusiveMaximum" not in schema else (least + most) / 2
        return int(wanted) if kind == "integer" else float(wanted)

    def _string(self, schema: Schema, name: str) -> str:
        orders, names = " ".join(self._orders.sentences), self._orders.names
        is_id = re.search(r"id$|dn$|ref$|name|tool|cell|object|option|key|unit", name) is not None
        whole = orders[: int(schema.get("maxLength", 4000))]
        first = [*names, whole] if is_id else [whole, *self._orders.sentences, *names]
        for text in first:
            if text and fits(text, schema, self._whole):
                return text
        return "x" * max(1, int(schema.get("minLength", 1)))


def _sentences(text: str) -> list[str]:
    """Return sentences that order something, the most commanding first, later ones before."""
    told = [one.strip() for one in _SENTENCE.findall(text) if _ORDER.search(one)]
    told.reverse()
    return sorted(told, key=lambda one: not _STRONG.search(one))[:_MOST_ORDERS]


def _names(text: str) -> list[str]:
    return [next(filter(None, groups)) for groups in _NAMED.findall(text)]


def _values(text: str) -> Iterator[Any]:
    """Yield each JSON object or list that stands in a text."""
    decoder = json.JSONDecoder()
    position = 0
    while (opening := re.compile(r"[\[{]").search(text, position)) is not None:
        try:
            value, position = decoder.raw_decode(text, opening.start())
            yield value
        except (ValueError, RecursionError):
            position = opening.start() + 1


def _unique(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _resolved(schema: Schema, whole: Schema) -> Schema:
    for _ in range(_DEEPEST):
        if "$ref" in schema:
            schema = _pointed(str(schema["$ref"]), whole)
        elif len(schema.get("allOf", ())) == 1:
            schema = schema["allOf"][0]
        else:
            break
    return schema


def _pointed(reference: str, whole: Schema) -> Schema:
    found: Any = whole
    for part in reference.removeprefix("#/").split("/"):
        found = found.get(part, {})
    return found if isinstance(found, Mapping) else {}


def _boldest(parts: list[Schema]) -> Schema:
    """Return the alternative that says something rather than nothing."""
    return next((part for part in parts if part.get("type") != "null"), parts[0])


def _kind(schema: Schema) -> str:
    kind = schema.get("type", "object" if "properties" in schema else "")
    if isinstance(kind, list):
        return next((one for one in kind if one != "null"), "null")
    return str(kind)


def _fits_object(value: Any, schema: Schema, whole: Schema) -> bool:  # noqa: ANN401 - any JSON
    parts = schema.get("properties", {})
    other = schema.get("additionalProperties", True)
    return (
        isinstance(value, dict)
        and set(schema.get("required", ())) <= set(value)
        and all(
            fits(held, parts[key], whole)
            if key in parts
            else other is not False and (other is True or fits(held, other, whole))
            for key, held in value.items()
        )
    )


def _fits_array(value: Any, schema: Schema, whole: Schema) -> bool:  # noqa: ANN401 - any JSON
    return (
        isinstance(value, list)
        and schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value))
        and all(fits(held, schema.get("items", {}), whole) for held in value)
    )


def _fits_string(value: Any, schema: Schema, _: Schema) -> bool:  # noqa: ANN401 - any JSON
    return (
        isinstance(value, str)
        and schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
        and re.search(schema.get("pattern", ""), value) is not None
    )


def _fits_number(value: Any, schema: Schema, _: Schema) -> bool:  # noqa: ANN401 - any JSON
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and (_kind(schema) == "number" or float(value).is_integer())
        and schema.get("minimum", value) <= value <= schema.get("maximum", value)
        and schema.get("exclusiveMinimum", value - 1) < value
        and value < schema.get("exclusiveMaximum", value + 1)
    )


_KINDS: Mapping[str, Callable[[Any, Schema, Schema], bool]] = {
    "object": _fits_object,
    "array": _fits_array,
    "string": _fits_string,
    "number": _fits_number,
    "integer": _fits_number,
    "boolean": lambda value, _, __: isinstance(value, bool),
    "null": lambda value, _, __: value is None,
}
