"""Alarms of a run: raised by faults and beside them, sent by three systems, and their causes.

The radio network speaks VES, transport TMF642, the core keeps an alarm list of 3GPP TS 28.532.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy.typing as npt
import polars as pl

from semantic_layer.loading import catalogue
from tasks.twin.alarm_delivery import SentNotification, sent_notifications
from tasks.twin.alarm_documents import (
    alarm_number,
    alarm_records,
    record_id,
    records_notifications,
    tmf_events,
)
from tasks.twin.alarm_lives import AlarmLife, alarm_lives
from tasks.twin.alarm_spread import Ground
from tasks.twin.faults import Fault
from tasks.twin.layout import Network
from tasks.twin.traffic import Season
from tasks.twin.transport_network import TransportNetwork
from tasks.twin.ves_writer import ves_alarm_id, ves_batches

CAUSES_SCHEMA: dict[str, pl.DataType] = {
    "alarm_id": pl.String(),
    "managed_object_dn": pl.String(),
    "raised_at": pl.Datetime("us", "UTC"),
    "alarm_name": pl.String(),
    "fault_id": pl.String(),
    "is_root": pl.Boolean(),
    "hops": pl.Int32(),
}
"""Columns of what is known of each raising of an alarm; `fault_id` is null where no fault is."""


@dataclass(frozen=True, slots=True)
class AlarmDeliveries:
    """What was written.

    Attributes:
        counts: `alarms` (raisings of which something arrived), `alarm_notifications` (what the
            files tell, duplicates included) and `alarm_files`.
        causes: columns of `CAUSES_SCHEMA`; names and times as the files tell them.
    """

    counts: dict[str, int]
    causes: pl.DataFrame


@dataclass(frozen=True, slots=True)
class _System:
    """How one system names its alarms, writes them, and how many moments its files tell.

    Attributes:
        documents: of notifications, those numbered from a number on that are numbered.
        is_list: its files tell alarms as they stand, not one notification after another.
    """

    name: str
    alarm_id: Callable[[SentNotification], str]
    documents: Callable[[Sequence[SentNotification], int], list[dict[str, Any]]]
    moments: Callable[[Sequence[SentNotification]], int]
    by: Callable[[SentNotification], datetime]
    is_list: bool = False


_RADIO = _System("ves", ves_alarm_id, ves_batches, len, lambda one: one.received_at)
_TRANSPORT = _System("tmf642", alarm_number, tmf_events, len, lambda one: one.received_at)
_CORE = _System(
    "records", record_id, lambda sent, _: alarm_records(sent), records_notifications,
    lambda one: one.life.raised_at, is_list=True,
)  # fmt: skip
_SYSTEMS = (_RADIO, _TRANSPORT, _CORE)


def write_alarm_deliveries(
    network: Network,
    transport: TransportNetwork,
    faults: Sequence[Fault],
    calendar: Season,
    seed: int,
    folder: Path,
    battery_share: npt.NDArray[Any] | None = None,
) -> AlarmDeliveries:
    """Write what arrived of a run's alarms, one file a day and system.

    Args:
        network: sites and cells.
        transport: routers, links and functions.
        faults: of the run.
        calendar: of the run.
        seed: of everything random.
        folder: of the files.
        battery_share: by period and site, the charge of batteries; without it none runs empty.
    """
    ground = Ground(network, transport, battery_share)
    lives = alarm_lives(ground, faults, calendar, catalogue().alarms, seed)
    of_system: dict[str, list[SentNotification]] = {it.name: [] for it in _SYSTEMS}
    for one in sent_notifications(lives, seed):
        of_system[_system_of(one.life.dn).name].append(one)
    files, moments = 0, 0
    for system in _SYSTEMS:
        for day, of_day in _by_day(of_system[system.name], system.by).items():
            documents = system.documents(of_day, 1)
            moments += system.moments(of_day)
            if documents:
                _write(documents, folder / f"alarms-{system.name}-{day}.json")
                files += 1
    whole = [one for sent in of_system.values() for one in sent]
    causes = alarm_causes(whole)
    counts = {"alarms": causes.height, "alarm_notifications": moments, "alarm_files": files}
    return AlarmDeliveries(counts, causes)


def write_arrived_alarms(
    sent: Sequence[SentNotification], start: datetime, end: datetime, folder: Path
) -> None:
    """Write what arrived of alarms between two moments of a day, a file a system that told any.

    Args:
        sent: everything that arrives, in order of arrival, and what of its alarms came before.
        start: of the stretch; so is the file named.
        end: of the stretch; what arrives then is of the next.
        folder: of the files.
    """
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    for system in _SYSTEMS:
        own = [one for one in sent if _system_of(one.life.dn) == system and one.received_at < end]
        fresh = [one for one in own if one.received_at >= start]
        if not fresh:
            continue
        earlier = sum(midnight <= one.received_at < start for one in own)
        if system.is_list:
            struck = {system.alarm_id(one) for one in fresh}
            fresh = [one for one in own if system.alarm_id(one) in struck]
        documents = system.documents(fresh, earlier + 1)
        if documents:
            _write(documents, folder / f"alarms-{system.name}-{start:%Y-%m-%dT%H%M}.json")


def alarm_causes(sent: Iterable[SentNotification]) -> pl.DataFrame:
    """Return which fault each raising belongs to, by the time that its equipment told."""
    told: Mapping[tuple[AlarmLife, str], datetime] = {
        (one.life, _system_of(one.life.dn).alarm_id(one)): one.began_at for one in sent
    }
    rows = [
        (
            alarm_id, life.dn, began_at, life.definition.name, life.fault_id,
            life.fault_id is not None and life.hops == 0, life.hops,
        )
        for (life, alarm_id), began_at in told.items()
    ]  # fmt: skip
    frame = pl.DataFrame(rows, schema=CAUSES_SCHEMA, orient="row")
    return frame.sort("raised_at", "alarm_id", "managed_object_dn")


def _system_of(dn: str) -> _System:
    if dn.startswith("SubNetwork=transport,"):
        return _TRANSPORT
    return _CORE if dn.startswith("SubNetwork=core,") else _RADIO


def _by_day(
    sent: Iterable[SentNotification], by: Callable[[SentNotification], datetime]
) -> dict[str, list[SentNotification]]:
    found: dict[str, list[SentNotification]] = {}
    for one in sent:
        found.setdefault(f"{by(one):%Y-%m-%d}", []).append(one)
    return dict(sorted(found.items()))


def _write(documents: list[dict[str, Any]], path: Path) -> None:
    """Write one document a line, as collectors append them; an alarm list stays one list."""
    if path.name.startswith("alarms-records"):
        text = json.dumps(documents, indent=1)
    else:
        text = "\n".join(json.dumps(document) for document in documents)
    path.write_text(text + "\n", encoding="utf-8")
