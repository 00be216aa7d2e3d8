"""A network in memory: for tests and trials, with the manners of a real one.

It passes the suite of every `ConfigurationGateway`; what it holds ends with the process.
"""

from collections.abc import Iterable, Sequence
from threading import RLock

from semantic_layer.errors import InputError
from semantic_layer.identity import managed_element_dn, parent
from tasks.action_ports import ForeignChangeError
from tasks.messages.change_sets import ManagedObject, Operation
from tasks.messages.operation_states import said, standing, written


class MemoryGateway:
    """Implements `ConfigurationGateway`.

    Args:
        objects: as the network is at first, by DN.

    Attributes:
        journal: what took effect, in order; a write that found its work done is not in it.
    """

    def __init__(self, objects: Iterable[ManagedObject]) -> None:
        self._objects = {each.dn: each for each in objects}
        self._mine = RLock()
        self.journal: list[Operation] = []

    def read(self, dns: Sequence[str]) -> dict[str, ManagedObject]:
        """Return the objects that exist."""
        with self._mine:
            return {dn: self._objects[dn] for dn in dns if dn in self._objects}

    def read_below(self, dn: str, object_class: str) -> list[ManagedObject]:
        """Return the objects of a class contained in `dn`, sorted by DN."""
        with self._mine:
            below = [one for name, one in self._objects.items() if name.startswith(f"{dn},")]
        return sorted((one for one in below if one.object_class == object_class), key=_dn)

    def write(self, operation: Operation) -> None:
        """Carry out one operation, wholly or not at all.

        Raises:
            ForeignChangeError: neither `before` nor `after` stands.
            InputError: the object's place in the network is refused.
        """
        with self._mine:
            live = self._objects.get(operation.dn)
            match standing(operation, live):
                case "after":
                    return
                case "neither":
                    raise ForeignChangeError(
                        f"{operation.dn} {operation.attribute} holds {said(live, operation)}, "
                        f"neither {operation.before!r} nor {operation.after!r}."
                    )
            self._refuse_misplaced(operation)
            made = written(operation, live)
            if made is None:
                del self._objects[operation.dn]
            else:
                self._objects[operation.dn] = made
            self.journal.append(operation)

    def _refuse_misplaced(self, operation: Operation) -> None:
        dn, above = operation.dn, parent(operation.dn)
        is_inside = above is not None and managed_element_dn(above) is not None
        if operation.kind == "CREATE" and is_inside and above not in self._objects:
            raise InputError(f"{dn} is not created: there is no {above}.")
        if operation.kind == "DELETE" and any(name.startswith(f"{dn},") for name in self._objects):
            raise InputError(f"{dn} contains objects and is not deleted.")


def _dn(one: ManagedObject) -> str:
    return one.dn
