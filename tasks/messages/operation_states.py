"""How an operation stands to what the network holds: not done, done, or overtaken by others.

Every gateway and the executor compare by these functions, so that `before` means one thing.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from tasks.messages.canonical import JsonValue
from tasks.messages.change_sets import ManagedObject, Operation

Standing = Literal["before", "after", "neither"]


def standing(operation: Operation, live: ManagedObject | None) -> Standing:
    """Return whether an object is as an operation expects it, as it leaves it, or neither.

    Objects may have more attributes than a CREATE or DELETE names: networks add their own. Where
    `before` and `after` are the same, `after` stands.

    Args:
        operation: what is to be written.
        live: the object as it is; None where there is none.
    """
    if live is not None and live.object_class != operation.object_class:
        return "neither"
    if operation.kind == "MODIFY":
        if live is None:
            return "neither"
        value = live.attributes.get(operation.attribute)
        if is_same(value, operation.after):
            return "after"
        return "before" if is_same(value, operation.before) else "neither"
    wanted = operation.after if operation.kind == "CREATE" else operation.before
    absent: Standing = "before" if operation.kind == "CREATE" else "after"
    present: Standing = "after" if operation.kind == "CREATE" else "before"
    if live is None:
        return absent
    return present if _holds(live.attributes, wanted) else "neither"


def written(operation: Operation, live: ManagedObject | None) -> ManagedObject | None:
    """Return the object as an operation leaves it; None where it is deleted.

    Args:
        operation: of which `before` stands.
        live: the object as it is.
    """
    match operation.kind:
        case "DELETE":
            return None
        case "CREATE":
            attributes = operation.after if isinstance(operation.after, Mapping) else {}
        case "MODIFY":
            attributes = {
                **(live.attributes if live is not None else {}),
                operation.attribute: operation.after,
            }
            if operation.after is None:
                del attributes[operation.attribute]
    return ManagedObject(operation.dn, operation.object_class, dict(attributes))


def is_same(one: JsonValue, other: JsonValue) -> bool:
    """Tell whether two values mean the same: 1 is 1.0, but neither is true.

    >>> is_same(30, 30.0), is_same(1, True), is_same({"a": [1]}, {"a": [1.0]})
    (True, False, True)
    """
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    if _is_list(one) and _is_list(other):
        return len(one) == len(other) and all(map(is_same, one, other))  # type: ignore[arg-type]
    return one == other


def said(live: ManagedObject | None, operation: Operation) -> str:
    """Return what stands where an operation writes, for a sentence."""
    if live is None:
        return "no such object"
    if operation.kind == "MODIFY":
        value = str(live.attributes.get(operation.attribute))
    else:
        value = f"{live.object_class} with {', '.join(sorted(live.attributes)) or 'no attributes'}"
    return value if len(value) <= 80 else f"{value[:77]}..."


def _holds(attributes: Mapping[str, JsonValue], wanted: JsonValue) -> bool:
    named = wanted if isinstance(wanted, Mapping) else {}
    return all(name in attributes and is_same(attributes[name], named[name]) for name in named)


def _is_list(value: JsonValue) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
