"""How busy a virtual machine was, from the measurement fields of a VES event (versions 4 to 7)."""

import math
from typing import Any

from tasks.ingestion.alarms.notifications import UnusableEventError, shown

CPU, MEMORY, DISK = "vm_cpu_usage", "vm_memory_usage", "vm_disk_usage"
"""Names of the measurements that an event may give; all in percent."""

_LONGEST_S = 86_400


def usage_row(fields: dict[str, Any]) -> tuple[dict[str, float], int]:
    """Return the measurements by name, and the seconds that they cover.

    Raises:
        UnusableEventError: the event measures none of them, or no usable interval.
    """
    interval = _number(fields.get("measurementInterval"))
    if interval is None or not 1 <= interval <= _LONGEST_S:
        raise UnusableEventError(
            f"measurementInterval is {shown(fields.get('measurementInterval'))}; it is 1 to "
            f"{_LONGEST_S} seconds."
        )
    found = {CPU: _cpu(fields), MEMORY: _memory(fields), DISK: _disk(fields)}
    told = {name: value for name, value in found.items() if value is not None}
    if not told:
        raise UnusableEventError(
            "The event measures no use of processor, memory or file system; no product takes the "
            "rest of it."
        )
    return told, round(interval)


def _cpu(fields: dict[str, Any]) -> float | None:
    """Return what is given for all processors, else the mean of each."""
    entries = [
        (entry.get("cpuIdentifier"), _number(entry.get("percentUsage")))
        for entry in _entries(fields, "cpuUsageArray")
    ]
    used = [(name, value) for name, value in entries if value is not None]
    whole = [value for name, value in used if name == "all"]
    if whole:
        return whole[0]
    if used:
        return sum(value for _, value in used) / len(used)
    return _number(fields.get("aggregateCpuUsage"))


def _memory(fields: dict[str, Any]) -> float | None:
    entries = _entries(fields, "memoryUsageArray") or [fields]
    return _share(
        [(_number(it.get("memoryUsed")), _number(it.get("memoryConfigured"))) for it in entries]
    )


def _disk(fields: dict[str, Any]) -> float | None:
    entries = _entries(fields, "filesystemUsageArray")
    return _share(
        [(_number(it.get("blockUsed")), _number(it.get("blockConfigured"))) for it in entries]
    )


def _share(parts: list[tuple[float | None, float | None]]) -> float | None:
    known = [(used, held) for used, held in parts if used is not None and held is not None]
    held = sum(held for _, held in known)
    return 100.0 * sum(used for used, _ in known) / held if held > 0 else None


def _entries(fields: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = fields.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
