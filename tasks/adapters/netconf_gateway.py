"""The way into a network whose elements, or their manager, speak NETCONF (RFC 6241).

An operation is compared and written within one lock, so that nobody comes between. Where the server
has a candidate it is used, and where it confirms commits, one that this process does not live to
confirm is taken back by the server itself. What is read is what `get` tells, state and defaults
too: whether a cell saves energy is state, and guards want to know it.
"""

from collections.abc import Sequence
from pathlib import Path

from semantic_layer.errors import InputError, TransientError
from semantic_layer.identity import Rdn
from tasks.action_ports import ForeignChangeError
from tasks.adapters.netconf_calls import (
    KeptSession,
    NetconfSession,
    NetconfTarget,
    target_at,
)
from tasks.adapters.netconf_xml import (
    PACKAGED_MODELS,
    NetconfModels,
    area_of,
    as_text,
    class_filter,
    edit,
    in_text,
    load_models,
    object_filter,
    objects_in,
    place_of,
)
from tasks.messages.change_sets import ManagedObject, Operation
from tasks.messages.operation_states import said, standing

_CONFIRM_WITHIN_S = 60


class NetconfGateway:
    """Implements `ConfigurationGateway`; its session is kept from call to call for a while."""

    def __init__(self, target: NetconfTarget, models: NetconfModels) -> None:
        self._target = target
        self._models = models
        self._kept = KeptSession(target)

    @classmethod
    def at(cls, address: str, secret_file: Path | None) -> "NetconfGateway":
        """Return the gateway of `netconf://user@host:830`.

        Raises:
            InputError: the address or secret cannot be used.
        """
        target = target_at(address, secret_file)
        return cls(target, load_models(target.models or PACKAGED_MODELS))

    def read(self, dns: Sequence[str]) -> dict[str, ManagedObject]:
        """Return the objects that exist, as they are now.

        Raises:
            InputError: a DN has no place in the server's data.
            TransientError: the network did not answer.
        """
        if not dns:
            return {}
        return self._kept.ask(lambda session: self._read(session, dns))

    def read_below(self, dn: str, object_class: str) -> list[ManagedObject]:
        """Return the objects of a class contained in `dn`, at any depth, sorted by DN.

        Below a DN that lies outside the server's data, such as `SubNetwork=1`, stands all of it.
        """
        place = area_of(dn, self._models)
        if object_class not in self._models.namespaces:
            return []
        wanted = class_filter(place, object_class, self._models)
        told = self._kept.ask(lambda session: session.told(wanted))
        found = objects_in(told, place.outside, self._models)
        below = [one for one in found if one.dn.startswith(f"{dn},")]
        return sorted(
            (one for one in below if one.object_class == object_class), key=lambda one: one.dn
        )

    def write(self, operation: Operation) -> None:
        """Carry out one operation, wholly or not at all.

        Raises:
            ForeignChangeError: neither `before` nor `after` stands.
            InputError: the network refuses the value, object or attribute.
            TransientError: the network did not answer; whether it was written is not known.
        """
        config = edit(operation, self._models)
        try:
            self._kept.ask(lambda session: self._write(session, operation, config))
        except InputError as error:
            what = operation.attribute or operation.kind
            raise InputError(f"{operation.dn} {what} was not written: {error}") from error

    def _write(self, session: NetconfSession, operation: Operation, config: str) -> None:
        if session.has_candidate:
            with session.locked("running", "candidate"):
                session.discard()
                if self._is_due(session, operation):
                    self._commit(session, operation, config)
        elif session.can_write_running:
            with session.locked("running"):
                if self._is_due(session, operation):
                    session.edit("running", config)
        else:
            raise InputError(
                f"NETCONF server {self._target.host} offers no datastore that can be written."
            )

    def _commit(self, session: NetconfSession, operation: Operation, config: str) -> None:
        is_done = False
        try:
            session.edit("candidate", config)
            if session.has_confirmed:
                session.commit(_CONFIRM_WITHIN_S)
                if self._is_due(session, operation):
                    raise TransientError(f"{operation.dn} was committed and does not hold it.")
            session.commit()
            is_done = True
        finally:
            if not is_done:
                session.give_up()

    def _is_due(self, session: NetconfSession, operation: Operation) -> bool:
        """Tell whether an operation is to be written; False where it stands already."""
        live = self._read(session, [operation.dn]).get(operation.dn)
        state = standing(in_text(operation), None if live is None else _in_text(live))
        if state == "neither":
            raise ForeignChangeError(
                f"{operation.dn} {operation.attribute} holds {said(live, operation)}, neither "
                f"{operation.before!r} nor {operation.after!r}."
            )
        return state == "before"

    def _read(self, session: NetconfSession, dns: Sequence[str]) -> dict[str, ManagedObject]:
        found: dict[str, ManagedObject] = {}
        for outside, names in self._by_outside(dns).items():
            told = session.told(object_filter(names, self._models))
            for one in objects_in(told, outside, self._models):
                if one.dn in names:
                    # A server may tell an object once by itself and once around another.
                    known = found[one.dn].attributes if one.dn in found else {}
                    whole = {**known, **one.attributes}
                    found[one.dn] = ManagedObject(one.dn, one.object_class, whole)
        return found

    def _by_outside(self, dns: Sequence[str]) -> dict[tuple[Rdn, ...], list[str]]:
        grouped: dict[tuple[Rdn, ...], list[str]] = {}
        for dn in dict.fromkeys(dns):
            grouped.setdefault(place_of(dn, self._models).outside, []).append(dn)
        return grouped


def _in_text(live: ManagedObject) -> ManagedObject:
    told = {name: as_text(value) for name, value in live.attributes.items()}
    return ManagedObject(live.dn, live.object_class, told)
