"""The way into the sample network: its configuration is read and written in files of its folder.

What is written acts on its measurements from the next period on, when its time passes on; saving of
energy acts from the minute on in which it is written.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any

from semantic_layer.errors import InputError, did_you_mean
from tasks.action_ports import ForeignChangeError
from tasks.adapters import sample_files
from tasks.adapters.sample_files import Told
from tasks.messages.canonical import JsonValue, canonical_json
from tasks.messages.change_sets import ManagedObject, Operation
from tasks.ports import Clock

_WORDS: Mapping[str, tuple[str, ...]] = {
    "administrativeState": ("LOCKED", "UNLOCKED", "SHUTTINGDOWN"),
    "energySavingControl": ("toBeEnergySaving", "toBeNotEnergySaving"),
    "energySavingMode": (
        "ACTIVE", "MICRO_SLEEP", "MIMO_MUTED", "POWER_REDUCED", "LIGHT_SLEEP", "DEEP_SLEEP",
    ),
    "energySavingState": ("isEnergySaving", "isNotEnergySaving"),
}  # fmt: skip
_TOLD_BY_NETWORK = ("energySavingState",)
_BOUNDS: Mapping[str, tuple[float, float]] = {
    "digitalTilt": (-900, 900),
    "retTilt": (-900, 900),
    "configuredMaxTxPower": (0, 400_000),
    "maximumTransmissionPower": (0, 60),
}
_REFERENCES = ("adjacentNRCellRef", "adjacentCell")

Stamp = tuple[tuple[int, int, int], ...]


class _Objects:
    """Every object as it is now, found by DN and by class.

    Attributes:
        attributes_of: by class, an example of each attribute that an object of it can have.
    """

    def __init__(self, planned: Mapping[str, Told]) -> None:
        self._told = dict(planned)
        self._of_class: dict[str, list[str]] = {}
        self.attributes_of: dict[str, dict[str, Any]] = {}
        for dn, (name, attributes) in sorted(planned.items()):
            self._of_class.setdefault(name, []).append(dn)
            self.attributes_of.setdefault(name, {}).update(attributes)

    def get(self, dn: str) -> Told | None:
        return self._told.get(dn)

    def put(self, dn: str, told: Told | None) -> None:
        standing = self._told.pop(dn, None)
        if standing is not None:
            self._of_class[standing[0]].remove(dn)
        if told is not None:
            self._told[dn] = told
            dns = self._of_class.setdefault(told[0], [])
            dns.insert(bisect_left(dns, dn), dn)

    def below(self, dn: str, object_class: str) -> list[str]:
        dns = self._of_class.get(object_class, [])
        first, last = bisect_left(dns, f"{dn},"), bisect_right(dns, f"{dn}-")
        return [one for one in dns[first:last] if one.startswith(f"{dn},")]

    def has_below(self, dn: str) -> bool:
        return any(self.below(dn, name) for name in self._of_class)

    def take(self, operation: Operation) -> None:
        """Carry out an operation that was accepted."""
        dn, after = operation.dn, operation.after
        if operation.kind == "DELETE":
            self.put(dn, None)
        elif isinstance(after, Mapping) and operation.kind == "CREATE":
            self.put(dn, (operation.object_class, dict(after)))
        elif dn in self._told:
            name, attributes = self._told[dn]
            self._told[dn] = (name, {**attributes, operation.attribute: after})


class SampleGateway:
    """Implements `ConfigurationGateway` on the folder of a sample network.

    Several processes may hold one; each sees what the others wrote.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stamp: Stamp = ()
        self._planned: dict[str, Told] = {}
        self._objects = _Objects({})

    def read(self, dns: Sequence[str]) -> dict[str, ManagedObject]:
        """Return the objects that exist, as they are now."""
        objects = self._current()
        found = ((dn, objects.get(dn)) for dn in dns)
        return {dn: _managed(dn, told) for dn, told in found if told is not None}

    def read_below(self, dn: str, object_class: str) -> list[ManagedObject]:
        """Return the objects of a class contained in `dn`, at any depth, sorted by DN."""
        objects = self._current()
        found = ((one, objects.get(one)) for one in objects.below(dn, object_class))
        return [_managed(one, told) for one, told in found if told is not None]

    def write(self, operation: Operation) -> None:
        """Carry out one operation, wholly or not at all, and on record before this returns.

        Raises:
            ForeignChangeError: the network holds neither what is expected nor what is written.
            InputError: object, attribute or value is none that the network takes.
        """
        self._current()  # a folder without a network is told before it is locked
        with sample_files.alone_in(self._folder):
            objects = self._current()
            standing = _standing(objects, operation)
            if _is_same(standing, operation.after):
                return
            if not _is_same(standing, operation.before):
                raise ForeignChangeError(_told_foreign(operation, standing))
            _check_written(objects, operation)
            at = sample_files.read_report(self._folder).now
            sample_files.append_write(self._folder, at, operation, standing)

    def _current(self) -> _Objects:
        """Return every object as it is now, read again where a file has changed."""
        stamp = self._stamp_now()
        if stamp != self._stamp:
            if stamp[:1] != self._stamp[:1]:
                self._planned = sample_files.read_planned(self._folder)
            objects = _Objects(self._planned)
            report = sample_files.read_report(self._folder)
            for dn, told in report.departures.items():
                objects.put(dn, told)
            for write in sample_files.read_writes(self._folder)[report.writes :]:
                objects.take(write.operation)
            self._objects, self._stamp = objects, stamp
        return self._objects

    def _stamp_now(self) -> Stamp:
        if not sample_files.report_path(self._folder).is_file():
            raise InputError(
                f"No sample network stands at {self._folder}; `anops run` writes it on first use."
            )
        paths = (
            sample_files.planned_path(self._folder),
            sample_files.report_path(self._folder),
            sample_files.journal_path(self._folder),
        )
        found = (path.stat() for path in paths if path.is_file())
        return tuple((one.st_ino, one.st_mtime_ns, one.st_size) for one in found)


class SampleClock:
    """Implements `NetworkClock`: the sample network's own time, or the clock's where none stands.

    A sample network's time goes by minutes: it may be later than the end of what was delivered.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def now(self) -> datetime:
        """Return the moment, UTC."""
        if not sample_files.report_path(self._folder).is_file():
            return self._clock.now()
        return sample_files.read_report(self._folder).now


def _managed(dn: str, told: Told) -> ManagedObject:
    return ManagedObject(dn, told[0], deepcopy(told[1]))


def _standing(objects: _Objects, operation: Operation) -> JsonValue:
    """Return what stands where an operation writes: a value, all attributes, or None for nothing.

    Raises:
        InputError: there is no such object, or no such attribute.
    """
    told = objects.get(operation.dn)
    if operation.object_class not in objects.attributes_of:
        raise InputError(
            f"No object class {operation.object_class!r} in the sample network"
            f"{did_you_mean(operation.object_class, objects.attributes_of)}"
        )
    if told is not None and told[0] != operation.object_class:
        raise InputError(f"{operation.dn} is a {told[0]}, not a {operation.object_class}.")
    if operation.kind != "MODIFY":
        return None if told is None else told[1]
    if told is None:
        raise InputError(f"No object {operation.dn} in the sample network; nothing was written.")
    known = objects.attributes_of[operation.object_class]
    if operation.attribute not in known:
        raise InputError(
            f"No attribute {operation.attribute!r} of {operation.object_class}"
            f"{did_you_mean(operation.attribute, known)}"
        )
    found: JsonValue = told[1].get(operation.attribute)
    return found


def _check_written(objects: _Objects, operation: Operation) -> None:
    """Raise an InputError where the network takes no such object or value."""
    known = objects.attributes_of[operation.object_class]
    dn, after = operation.dn, operation.after
    if operation.kind == "DELETE":
        if objects.has_below(dn):
            raise InputError(f"{dn} still contains objects; delete those first.")
    elif operation.kind == "CREATE":
        above, _, step = dn.rpartition(",")
        if objects.get(above) is None or step.partition("=")[0] != operation.object_class:
            raise InputError(
                f"No {operation.object_class} can be created as {dn}: it is named otherwise, or "
                "nothing stands that would contain it."
            )
        if not isinstance(after, Mapping):
            raise InputError(f"{dn} cannot be created without attributes.")
        _check_attributes(objects, dn, after.items(), known)
    elif operation.attribute in _TOLD_BY_NETWORK:
        raise InputError(
            f"{operation.attribute} of {dn} is told by the network and cannot be written."
        )
    else:
        _check_attributes(objects, dn, [(operation.attribute, after)], known)


def _check_attributes(
    objects: _Objects, dn: str, told: Iterable[tuple[str, JsonValue]], known: Mapping[str, Any]
) -> None:
    for name, value in told:
        if name not in known:
            raise InputError(f"No attribute {name!r} at {dn}{did_you_mean(name, known)}")
        if not _is_alike(value, known[name]):
            kind = type(known[name]).__name__
            raise InputError(f"{name} of {dn} takes a value of type {kind}; got {value!r}.")
        words, bounds = _WORDS.get(name), _BOUNDS.get(name)
        if words is not None and value not in words:
            raise InputError(f"{name} of {dn} is one of {', '.join(words)}; got {value!r}.")
        if bounds is not None and not bounds[0] <= float(str(value)) <= bounds[1]:
            low, high = bounds
            raise InputError(f"{name} of {dn} lies between {low:g} and {high:g}; got {value!r}.")
        if name in _REFERENCES and objects.get(str(value)) is None:
            raise InputError(f"{name} of {dn} refers to {value}, which does not exist.")


def _is_alike(value: JsonValue, example: JsonValue) -> bool:
    """Tell whether two values are of one JSON type; a whole number may stand for any number."""
    if isinstance(example, bool) or isinstance(value, bool):
        return isinstance(example, bool) and isinstance(value, bool)
    if isinstance(example, float):
        return isinstance(value, int | float)
    if isinstance(example, str | int):
        return isinstance(value, type(example))
    return isinstance(value, Mapping) == isinstance(example, Mapping) and value is not None


def _is_same(one: JsonValue, other: JsonValue) -> bool:
    """Tell whether two values are the same as JSON, whole numbers being numbers."""
    if _is_number(one) and _is_number(other):
        return one == other
    return canonical_json(one) == canonical_json(other)


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _told_foreign(operation: Operation, standing: JsonValue) -> str:
    what = f"{operation.attribute} of {operation.dn}" if operation.attribute else operation.dn
    return (
        f"{what} was to become {operation.after!r} from {operation.before!r}, but it is "
        f"{standing!r}; somebody else changed it."
    )
