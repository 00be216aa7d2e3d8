"""Alarms of the radio network as VES batches: common event format 30.2, domain fault."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tasks.twin.alarm_delivery import SentNotification

_MOST_EVENTS = 500


def ves_batches(sent: Sequence[SentNotification], first: int = 1) -> list[dict[str, Any]]:
    """Return batches of events, in order of arrival, numbered from `first`."""
    events = [_event(one, number) for number, one in enumerate(sent, first)]
    return [
        {"eventList": events[begin : begin + _MOST_EVENTS]}
        for begin in range(0, len(events), _MOST_EVENTS)
    ]


def ves_alarm_id(sent: SentNotification) -> str:
    """Return what makes the alarm one, as an event tells it: object, cause and problem."""
    definition = sent.life.definition
    local = _local_dn(sent)
    cause, problem = definition.probable_cause, definition.specific_problem
    return "|".join((sent.reporter, local, cause, problem))


def _local_dn(sent: SentNotification) -> str:
    return sent.life.dn.removeprefix(sent.reporter).removeprefix(",")


def _event(sent: SentNotification, number: int) -> dict[str, Any]:
    definition = sent.life.definition
    is_clear = sent.kind == "CLEARED"
    fields = {
        "faultFieldsVersion": "4.0",
        "alarmCondition": definition.probable_cause,
        "alarmInterfaceA": _local_dn(sent),
        "eventCategory": definition.alarm_type,
        "eventSeverity": "NORMAL" if is_clear else sent.severity,
        "eventSourceType": "other",
        "specificProblem": definition.specific_problem,
        "vfStatus": "Active",
        "alarmAdditionalInformation": {"alarmNumber": f"A{sent.life.number:06d}"},
    }
    header = {
        "version": "4.1",
        "vesEventListenerVersion": "7.2.1",
        "domain": "fault",
        "eventName": f"Fault_gNB_{definition.probable_cause}",
        "eventId": f"A{sent.life.number:06d}",
        "sequence": number,
        "priority": "Low" if is_clear else "High",
        "reportingEntityName": sent.reporter,
        "sourceName": sent.reporter,
        # The first raising of an alarm begins it; whatever follows tells the same beginning.
        "startEpochMicrosec": _micros(sent.told_at if sent.kind == "NEW" else sent.began_at),
        "lastEpochMicrosec": _micros(sent.told_at),
        "internalHeaderFields": {"collectorTimeStamp": sent.received_at.isoformat()},
    }
    if not fields["alarmInterfaceA"]:
        del fields["alarmInterfaceA"]
    return {"commonEventHeader": header, "faultFields": fields}


def _micros(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)
