"""When nothing may be changed: by calendar, by hand, and by hour for what cuts users off."""

from datetime import datetime
from zoneinfo import ZoneInfo

from semantic_layer.guardrails import GuardrailRules
from tasks.guardrails.change_forms import interrupts, leaves_air
from tasks.guardrails.circumstances import Circumstances, Prediction
from tasks.guardrails.wording import at_time, number, quoted
from tasks.messages.proposals import Breach, ChangeProposal


def freeze_breaches(
    proposal: ChangeProposal, circumstances: Circumstances, rules: GuardrailRules
) -> list[Breach]:
    """Return why now is no time for a proposal; the busy hour needs the twin's users.

    Users of a cell that leaves the air must find another, as those of one that restarts.
    """
    found = standstill_breaches(circumstances.at, circumstances.frozen, rules)
    change = proposal.change_set
    cuts_off = interrupts(change) or leaves_air(change, rules)
    if not cuts_off or not is_busy(circumstances.at, rules):
        return found
    told = _prediction(proposal, circumstances)
    if told is None or told.lacking:
        why = told.lacking if told is not None else "The twin was not asked."
        found.append(
            Breach("busy_hour", f"Nobody knows how many users would be cut off now. {why}")
        )
    elif not told.users_interrupted <= rules.busy_most_users:
        found.append(
            Breach(
                "busy_hour",
                f"{number(told.users_interrupted)} users would be cut off in the busy hours; "
                f"{number(rules.busy_most_users)} may be.",
            )
        )
    return found


def _prediction(proposal: ChangeProposal, circumstances: Circumstances) -> Prediction | None:
    if interrupts(proposal.change_set):
        return circumstances.predictions.get(proposal.change_set.digest)
    asked = circumstances.sleep_what_if
    return asked((), proposal) if asked is not None else None


def standstill_breaches(at: datetime, frozen: str | None, rules: GuardrailRules) -> list[Breach]:
    """Return why nothing at all may be changed at a moment: by the calendar, or by hand."""
    found = [
        Breach("freeze_window", f"Nothing is changed until {at_time(one.ends)}: {one.name}.")
        for one in rules.freeze_windows
        if one.begins <= at < one.ends
    ]
    if frozen is not None:
        found.append(Breach("frozen_by_hand", f"The network is frozen by hand: {quoted(frozen)}."))
    return found


def is_busy(at: datetime, rules: GuardrailRules) -> bool:
    """Return whether a moment lies in the busy hours of local time."""
    local = at.astimezone(ZoneInfo(rules.time_zone))
    hour = local.hour + local.minute / 60.0
    return any(one.begins <= hour < one.ends for one in rules.busy_hours)
