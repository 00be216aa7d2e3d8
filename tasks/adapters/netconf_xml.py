"""Managed objects as NETCONF sees them: DNs as paths, filters, edits, and values as text.

YANG's types are not read: a value is compared as text, as XML writes it, and what a server tells is
a number or a truth value where its text is one.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from semantic_layer.errors import DefinitionError, InputError, did_you_mean
from semantic_layer.identity import Rdn, format_dn, parse_dn
from semantic_layer.plain_yaml import read_yaml_file
from tasks.messages.canonical import JsonValue
from tasks.messages.change_sets import ManagedObject, Operation

PACKAGED_MODELS = Path(__file__).parent / "netconf_gateway_models.yaml"
BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_FRACTION = re.compile(r"-?(?:0|[1-9][0-9]{0,14})\.[0-9]{1,15}")
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}")

ET.register_namespace("nc", BASE)


class NetconfModels(BaseModel):
    """How classes map to YANG; each is described where it is set, in netconf_gateway_models.yaml.

    Attributes:
        outside: classes of DNs that the server's data does not hold.
        key, attributes: names of each list's key and of its container of attributes.
        namespaces: of each class.
        extensions: by class, attributes that another module adds to it, with its namespace.
        contained_in: by class, those in which it is a list; a class of none stands on top.
        texts: attributes that stay text though they look like numbers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    outside: tuple[str, ...]
    key: str = Field(pattern=_NAME.pattern)
    attributes: str = Field(pattern=_NAME.pattern)
    namespaces: Mapping[str, str]
    extensions: Mapping[str, Mapping[str, str]] = {}
    contained_in: Mapping[str, tuple[str, ...]] = {}
    texts: frozenset[str]

    def namespace_of(self, object_class: str, attribute: str) -> str | None:
        """Return the namespace of an attribute that another module adds; None for a class's own."""
        return self.extensions.get(object_class, {}).get(attribute)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object stands: the part of its DN outside the data, and the steps inside."""

    outside: tuple[Rdn, ...]
    inside: tuple[Rdn, ...]


def load_models(path: Path) -> NetconfModels:
    """Return the mapping in a file.

    Raises:
        DefinitionError: it cannot be read or is none.
    """
    try:
        return NetconfModels.model_validate(read_yaml_file(path))
    except (OSError, ValueError, ValidationError) as error:
        raise DefinitionError(f"{path} is no mapping of classes to YANG: {error}") from error


def place_of(dn: str, models: NetconfModels) -> Place:
    """Return where an object stands.

    Raises:
        InputError: a class on the way is not mapped, or all of it lies outside.
    """
    place = area_of(dn, models)
    if not place.inside:
        raise InputError(f"{dn} lies outside the data of a NETCONF server.")
    return place


def area_of(dn: str, models: NetconfModels) -> Place:
    """Return where what `dn` contains stands; nothing inside where that is all of the data.

    Raises:
        InputError: a class on the way is not mapped.
    """
    steps = parse_dn(dn)
    count = next(
        (n for n, step in enumerate(steps) if step.object_class not in models.outside), len(steps)
    )
    inside = steps[count:]
    for step in inside:
        if step.object_class not in models.namespaces:
            raise InputError(
                f"No YANG module is mapped for {step.object_class} of {dn}"
                f"{did_you_mean(step.object_class, models.namespaces)}"
            )
    return Place(steps[:count], inside)


def object_filter(dns: Sequence[str], models: NetconfModels) -> str:
    """Return a subtree filter for these objects' own attributes, not what they contain."""
    root = ET.Element(f"{{{BASE}}}filter", {"type": "subtree"})
    for dn in dns:
        own = _descend(root, place_of(dn, models).inside, models)
        ET.SubElement(own, _in(own, models.attributes))
    return _text(root)


def class_filter(place: Place, object_class: str, models: NetconfModels) -> str:
    """Return a subtree filter for the objects of a class below a place, with own attributes.

    Where it is not known in what the class is contained, it selects everything below.
    """
    root = ET.Element(f"{{{BASE}}}filter", {"type": "subtree"})
    own = _descend(root, place.inside, models)
    begin = place.inside[-1].object_class if place.inside else None
    for way in _ways(begin, object_class, models):
        element = own
        for name in way:
            element = _selected(element, name, models)
        ET.SubElement(element, _in(element, models.attributes))
    if begin is None and not len(root):
        for name, namespace in models.namespaces.items():
            ET.SubElement(root, f"{{{namespace}}}{name}")
    return _text(root)


def edit(operation: Operation, models: NetconfModels) -> str:
    """Return the `config` that carries out an operation.

    Raises:
        InputError: an attribute's name or value cannot be XML.
    """
    root = ET.Element(f"{{{BASE}}}config")
    own = _descend(root, place_of(operation.dn, models).inside, models)
    if operation.kind == "DELETE":
        own.set(f"{{{BASE}}}operation", "delete")
        return _text(root)
    holder = ET.SubElement(own, _in(own, models.attributes))
    namespace_of = partial(models.namespace_of, operation.object_class)
    if operation.kind == "CREATE":
        own.set(f"{{{BASE}}}operation", "create")
        values = operation.after if isinstance(operation.after, Mapping) else {}
        for name, value in values.items():
            _put(holder, name, value, namespace_of(name))
    else:
        name, value = operation.attribute, operation.after
        _put(holder, name, "" if value is None else value, namespace_of(name))
        verb = "remove" if operation.after is None else "replace"
        for element in holder:
            element.set(f"{{{BASE}}}operation", verb)
    return _text(root)


def objects_in(told: str, outside: Sequence[Rdn], models: NetconfModels) -> list[ManagedObject]:
    """Return every object of a reply, in its order.

    Args:
        told: the reply's `data`, as XML.
        outside: the DN's part that the server's data does not hold.
        models: the mapping.

    Raises:
        InputError: the reply is not XML.
    """
    try:
        # The client's own parser has read this before, and refuses entities and huge trees.
        root = ET.fromstring(told)  # noqa: S314
    except ET.ParseError as error:
        raise InputError(f"The NETCONF server's data is not XML: {error}.") from error
    found: list[ManagedObject] = []
    _collect(root, tuple(outside), models, found)
    return found


def as_text(value: JsonValue) -> JsonValue:
    """Return a value as XML writes it, so that 90 is "90" and a list of one is its element."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(int(value)) if float(value).is_integer() else repr(value)
    if isinstance(value, Mapping):
        return {name: as_text(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        values = [as_text(each) for each in value]
        return values[0] if len(values) == 1 else values
    return value


def in_text(operation: Operation) -> Operation:
    """Return an operation with its values as XML writes them."""
    return Operation(
        operation.kind, operation.dn, operation.object_class, operation.attribute,
        as_text(operation.before), as_text(operation.after),
    )  # fmt: skip


def _text(root: ET.Element) -> str:
    """Return an element as text.

    Raises:
        InputError: a name or value has a character that XML cannot write.
    """
    text = ET.tostring(root, encoding="unicode")
    if _UNWRITABLE.search(text):
        raise InputError("A DN or value has a character that XML cannot write.")
    return text


def _collect(
    element: ET.Element, above: tuple[Rdn, ...], models: NetconfModels, found: list[ManagedObject]
) -> None:
    for child in element:
        name = _local(child)
        key = child.find(_in(child, models.key))
        if name not in models.namespaces or key is None or not (key.text or "").strip():
            continue
        steps = (*above, Rdn(name, (key.text or "").strip()))
        holder = child.find(_in(child, models.attributes))
        attributes = _attributes(holder, name, models) if holder is not None else {}
        found.append(ManagedObject(format_dn(steps), name, attributes))
        _collect(child, steps, models, found)


def _attributes(
    holder: ET.Element, object_class: str, models: NetconfModels
) -> dict[str, JsonValue]:
    """Return the attributes of an object: the standard's, and those that are mapped beside them.

    What a module that nobody mapped adds is left out, even by the name of an attribute that is
    known: it may mean anything.
    """
    own = ET.Element(holder.tag)
    for element in holder:
        name = _local(element)
        added_by = models.namespace_of(object_class, name)
        if element.tag == (f"{{{added_by}}}{name}" if added_by else _in(holder, name)):
            own.append(element)
    return _values(own, models)


def _values(holder: ET.Element, models: NetconfModels) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {}
    for element in holder:
        name, value = _local(element), _value(element, models)
        if name in found:
            standing = found[name]
            earlier = standing if isinstance(standing, list) else [standing]
            found[name] = [*earlier, value]
        else:
            found[name] = value
    return found


def _value(element: ET.Element, models: NetconfModels) -> JsonValue:
    if len(element):
        return _values(element, models)
    text = (element.text or "").strip()
    if _local(element) in models.texts:
        return text
    if text in ("true", "false"):
        return text == "true"
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _FRACTION.fullmatch(text) else text


def _descend(root: ET.Element, steps: Sequence[Rdn], models: NetconfModels) -> ET.Element:
    own = root
    for step in steps:
        namespace = models.namespaces[step.object_class]
        own = ET.SubElement(own, f"{{{namespace}}}{step.object_class}")
        ET.SubElement(own, f"{{{namespace}}}{models.key}").text = step.value
    return own


def _selected(above: ET.Element, name: str, models: NetconfModels) -> ET.Element:
    """Return the element that selects every object of a class, with its key, below another."""
    namespace = models.namespaces[name]
    standing = above.find(f"{{{namespace}}}{name}")
    if standing is not None:
        return standing
    own = ET.SubElement(above, f"{{{namespace}}}{name}")
    ET.SubElement(own, f"{{{namespace}}}{models.key}")
    return own


def _ways(
    begin: str | None, object_class: str, models: NetconfModels, layers: int = 16
) -> list[tuple[str, ...]]:
    """Return the ways from a class, or from the top, down to another; empty where none is known."""
    above = models.contained_in.get(object_class, ())
    if begin is None and not above and models.contained_in:
        return [(object_class,)]
    if not layers:
        return []
    found = [
        (*way, object_class)
        for name in above
        for way in ([()] if name == begin else _ways(begin, name, models, layers - 1))
    ]
    return [way for way in found if all(name in models.namespaces for name in way)]


def _put(holder: ET.Element, name: str, value: JsonValue, namespace: str | None = None) -> None:
    if not _NAME.fullmatch(name):
        raise InputError(f"{name[:80]!r} is no name of an attribute.")
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    for each in value if is_list else (value,):  # type: ignore[union-attr]
        tag = f"{{{namespace}}}{name}" if namespace else _in(holder, name)
        element = ET.SubElement(holder, tag)
        if isinstance(each, Mapping):
            for inner, part in each.items():
                _put(element, inner, part)
        else:
            element.text = str(as_text(each))


def _in(parent: ET.Element, name: str) -> str:
    """Return a name in the namespace of an element."""
    return f"{parent.tag.partition('}')[0]}}}{name}" if parent.tag.startswith("{") else name


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
