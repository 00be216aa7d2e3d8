"""The way into a network that offers 3GPP's provisioning management service over REST (ProvMnS).

3GPP TS 28.532 12.1.1: managed objects are resources under `{MnSRoot}/ProvMnS/{version}`, named by
their DN with `/` between its steps; GET reads, PUT creates, PATCH merges, DELETE deletes. An object
is compared right before it is written, and the write bears its ETag where the service gives one, so
that nobody comes between; a service without ETags is compared again after the write.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from semantic_layer.errors import InputError, TransientError
from semantic_layer.identity import format_dn, object_class_of, parse_dn
from tasks.action_ports import ForeignChangeError
from tasks.adapters.provisioning_gateway_calls import Answer, ProvisioningService, service_at
from tasks.messages.canonical import JsonValue
from tasks.messages.change_sets import ManagedObject, Operation
from tasks.messages.operation_states import said, standing, written

_MOST_OBJECTS = 200_000


class ProvisioningGateway:
    """Implements `ConfigurationGateway`."""

    def __init__(self, service: ProvisioningService) -> None:
        self._service = service

    @classmethod
    def at(cls, address: str, secret_file: Path | None) -> "ProvisioningGateway":
        """Return the gateway of `provmns+https://host/3GPPManagement/ProvMnS/v1700`.

        Raises:
            InputError: the address or secret cannot be used.
        """
        return cls(service_at(address, secret_file))

    def read(self, dns: Sequence[str]) -> dict[str, ManagedObject]:
        """Return the objects that exist, as they are now.

        Raises:
            InputError: the service refuses, or what it answers is no managed object.
            TransientError: it did not answer.
        """
        found = {}
        for dn in dict.fromkeys(dns):
            live, _ = self._live(dn)
            if live is not None:
                found[dn] = live
        return found

    def read_below(self, dn: str, object_class: str) -> list[ManagedObject]:
        """Return the objects of a class contained in `dn`, at any depth, sorted by DN."""
        answer = self._service.call("GET", path_of(dn), {"scopeType": "BASE_ALL"})
        if answer.status == 404:
            return []
        found: list[ManagedObject] = []
        _collect(_resource(answer, dn), dn, found)
        below = [one for one in found if one.dn.startswith(f"{dn},")]
        return sorted(
            (one for one in below if one.object_class == object_class), key=lambda one: one.dn
        )

    def write(self, operation: Operation) -> None:
        """Carry out one operation, wholly or not at all.

        Raises:
            ForeignChangeError: neither `before` nor `after` stands.
            InputError: the service refuses the value, object or attribute.
            TransientError: it did not answer; whether it was written is not known.
        """
        live, tag = self._live(operation.dn)
        match standing(operation, live):
            case "after":
                return
            case "neither":
                raise _foreign(operation, live)
        method, body = _request(operation, live)
        answer = self._service.call(
            method, path_of(operation.dn), body=body, headers=_condition(operation, tag)
        )
        if answer.status in (404, 409, 412):
            again, _ = self._live(operation.dn)
            if standing(operation, again) == "neither":
                raise _foreign(operation, again)
            raise TransientError(f"{operation.dn} changed while it was written; try again.")
        if tag is None and standing(operation, self._live(operation.dn)[0]) != "after":
            raise TransientError(f"{operation.dn} was written and does not hold it.")

    def _live(self, dn: str) -> tuple[ManagedObject | None, str | None]:
        """Return an object and its ETag, None for what there is not."""
        answer = self._service.call("GET", path_of(dn), {"scopeType": "BASE_ONLY"})
        return (None, None) if answer.status == 404 else (_object(answer, dn), answer.tag)


def path_of(dn: str) -> str:
    """Return the path of an object's resource below the service's root.

    >>> path_of("SubNetwork=1,ManagedElement=7,NRCellDU=3")
    'SubNetwork=1/ManagedElement=7/NRCellDU=3'
    """
    return "/".join(f"{step.object_class}={quote(step.value, safe='')}" for step in parse_dn(dn))


def _request(operation: Operation, live: ManagedObject | None) -> tuple[str, JsonValue]:
    """Return the method and body that carry out an operation (TS 28.532 12.1.1.3.1)."""
    if operation.kind == "DELETE":
        return "DELETE", None
    key = parse_dn(operation.dn)[-1].value
    if operation.kind == "MODIFY":
        # A JSON merge patch (RFC 7396): null removes an attribute.
        changed = {operation.attribute: operation.after}
        return "PATCH", {"id": key, "attributes": changed}
    made = written(operation, live)
    attributes = dict(made.attributes) if made is not None else {}
    named = {"id": key, "objectClass": operation.object_class, "objectInstance": operation.dn}
    return "PUT", {**named, "attributes": attributes}


def _condition(operation: Operation, tag: str | None) -> dict[str, str]:
    if operation.kind == "CREATE":
        return {"If-None-Match": "*"}
    return {"If-Match": tag} if tag else {}


def _object(answer: Answer, dn: str) -> ManagedObject:
    """Return the object that an answer holds."""
    return ManagedObject(dn, object_class_of(dn), _attributes(_resource(answer, dn), dn))


def _resource(answer: Answer, dn: str) -> Mapping[str, Any]:
    """Return the resource that was asked for; some services wrap it in a list of its class.

    Raises:
        InputError: the answer holds none of that name.
    """
    step, told = parse_dn(dn)[-1], answer.body
    if isinstance(told, Mapping) and "id" not in told:
        listed = told.get(step.object_class)
        told = listed[0] if isinstance(listed, list) and len(listed) == 1 else None
    if not isinstance(told, Mapping) or told.get("id") != step.value:
        raise InputError(f"The provisioning service answered something else than {dn}.")
    return told


def _collect(
    told: Mapping[str, Any], above: str, found: list[ManagedObject], layers: int = 32
) -> None:
    """Add every object contained in a resource, in which each class names its objects.

    They are a list (TS 28.532 12.1.1), or one object where a class has but one: the OpenAPI of
    TS 28.541 has `CESManagementFunction` so.

    Raises:
        InputError: there are more than any network has, in more layers than any model has.
    """
    for name, listed in told.items():
        if name == "attributes":
            continue
        for one in listed if isinstance(listed, list) else (listed,):
            if not isinstance(one, Mapping) or not isinstance(one.get("id"), str):
                continue
            if len(found) >= _MOST_OBJECTS or not layers:
                raise InputError(f"The provisioning service tells too much below {above}.")
            dn = f"{above},{format_dn([(name, one['id'])])}"
            found.append(ManagedObject(dn, name, _attributes(one, dn)))
            _collect(one, dn, found, layers - 1)


def _attributes(told: Mapping[str, Any], dn: str) -> Mapping[str, JsonValue]:
    attributes = told.get("attributes", {})
    if not isinstance(attributes, Mapping):
        raise InputError(f"The provisioning service tells {dn} without attributes.")
    return attributes


def _foreign(operation: Operation, live: ManagedObject | None) -> ForeignChangeError:
    return ForeignChangeError(
        f"{operation.dn} {operation.attribute} holds {said(live, operation)}, neither "
        f"{operation.before!r} nor {operation.after!r}."
    )
