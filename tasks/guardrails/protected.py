"""Protected cells and services: emergency, hospitals, events within their time."""

from collections.abc import Iterator
from datetime import timedelta

from semantic_layer.guardrails import GuardrailRules
from semantic_layer.protected import ProtectedPlace
from tasks.guardrails.change_forms import interrupts, leaves_air
from tasks.guardrails.circumstances import Circumstances
from tasks.guardrails.wording import listed, quoted
from tasks.messages.proposals import Breach, ChangeProposal


def protection_breaches(
    proposal: ChangeProposal, circumstances: Circumstances, rules: GuardrailRules
) -> list[Breach]:
    """Return the protected places that a proposal may not touch.

    Where nobody may be cut off, no cell leaves the air either.

    A place with an end is `protected_for_now`: its breach passes.
    """
    cuts_off = interrupts(proposal.change_set) or leaves_air(proposal.change_set, rules)
    return [
        Breach(
            "protected_place" if place.ends is None else "protected_for_now",
            f"{listed(cells)} serve {place.name} ({place.service}), where "
            f"{'nothing may be changed' if place.rule == 'never' else 'nobody may be cut off'}.",
        )
        for place, cells in _places_touched(proposal, circumstances)
        if place.rule == "never" or (place.rule == "no_interruption" and cuts_off)
    ]


def places_for_two(proposal: ChangeProposal, circumstances: Circumstances) -> list[str]:
    """Return the protected places whose changes two people must approve."""
    return [
        place.name
        for place, _ in _places_touched(proposal, circumstances)
        if place.rule == "two_persons"
    ]


def _places_touched(
    proposal: ChangeProposal, circumstances: Circumstances
) -> Iterator[tuple[ProtectedPlace, set[str]]]:
    """Give each place that holds now or soon, with its cells that are touched."""
    touched = circumstances.touched(proposal)
    at, ahead = circumstances.at, timedelta(hours=circumstances.protected.ahead_hours)
    for place in circumstances.protected.places:
        if not (place.holds_at(at) or place.holds_at(at + ahead)):
            continue
        cells = {
            dn
            for dn in touched
            if dn in place.cell_dns
            or (dn in circumstances.cells and circumstances.cells[dn].site_id in place.site_ids)
        }
        if cells:
            yield place, cells


def quoted_places(names: list[str]) -> str:
    """Return the names of places as they stand in a sentence."""
    return ", ".join(quoted(name) for name in names)
