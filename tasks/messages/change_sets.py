"""What is to be written to the network: operations on managed objects, and how to take them back.

An operation says what it expects to find. What is approved is a change set's digest, and what is
executed is compared with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from semantic_layer.errors import InputError
from tasks.messages.canonical import JsonValue, digest_of

OperationKind = Literal["MODIFY", "CREATE", "DELETE"]
_KINDS: tuple[OperationKind, ...] = ("MODIFY", "CREATE", "DELETE")


@dataclass(frozen=True, slots=True)
class ManagedObject:
    """A managed object as the network says it is; attributes by their names in the standard."""

    dn: str
    object_class: str
    attributes: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Operation:
    """One write.

    Attributes:
        kind: MODIFY sets one attribute; CREATE and DELETE are of whole objects.
        dn: distinguished name of the object.
        object_class: of the object, such as `NRCellDU`.
        attribute: its name in the standard, such as `administrativeState`; empty for whole objects.
        before: the value, or attributes, that must be found; None for CREATE.
        after: the value, or attributes, that are written; None for DELETE.
    """

    kind: OperationKind
    dn: str
    object_class: str
    attribute: str
    before: JsonValue
    after: JsonValue

    def inverse(self) -> "Operation":
        """Return the operation that takes this one back."""
        kinds: dict[OperationKind, OperationKind] = {
            "MODIFY": "MODIFY", "CREATE": "DELETE", "DELETE": "CREATE",
        }  # fmt: skip
        return Operation(
            kinds[self.kind], self.dn, self.object_class, self.attribute, self.after, self.before
        )

    def to_json(self) -> dict[str, Any]:
        """Return the operation as JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Operation":
        """Return the operation that `to_json` told.

        Raises:
            InputError: a field lacks, is unknown, or the kind is none.
        """
        if set(told) != set(cls.__slots__) or told["kind"] not in _KINDS:
            raise InputError(f"Not an operation on a managed object: fields {sorted(told)}.")
        return cls(**told)


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Operations in order, carried out wholly or not at all.

    Two operations may follow one another on one attribute: a cell is restarted by locking and
    unlocking it.
    """

    operations: tuple[Operation, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of the operations in order: what a person approves."""
        return digest_of([operation.to_json() for operation in self.operations])

    @property
    def dns(self) -> tuple[str, ...]:
        """Every object written, in order of its first operation."""
        return tuple(dict.fromkeys(operation.dn for operation in self.operations))

    def rollback(self, done: int | None = None) -> "ChangeSet":
        """Return what takes the first `done` operations back (all when None), last one first."""
        operations = self.operations[: len(self.operations) if done is None else done]
        return ChangeSet(tuple(operation.inverse() for operation in reversed(operations)))

    def to_json(self) -> list[dict[str, Any]]:
        """Return the change set as JSON values."""
        return [operation.to_json() for operation in self.operations]

    @classmethod
    def from_json(cls, told: Sequence[Mapping[str, Any]]) -> "ChangeSet":
        """Return the change set that `to_json` told."""
        return cls(tuple(Operation.from_json(one) for one in told))
