"""What a saving may be: cells of one site, each told a mode and then to save, from being awake.

Two writes a cell, in that order: a cell that is told to save before it is told how deep would
enter whatever mode its element chooses.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from semantic_layer.guardrails import GuardrailRules
from semantic_layer.identity import object_class_of
from tasks.guardrails.change_forms import (
    ACTIVE,
    DO_NOT_SAVE,
    SAVE,
    SAVES_NOT,
    SAVING_CONTROL,
    SAVING_MODE,
    SAVING_STATE,
    SAVING_SWITCH,
)
from tasks.guardrails.circumstances import Circumstances
from tasks.guardrails.wording import at_time, listed, number, quoted
from tasks.messages.change_sets import Operation
from tasks.messages.proposals import Breach, ChangeProposal

WRITES_A_CELL = 2
_MAY_SLEEP = "NRCellDU"
_KPI = "site_power"
_PRESENT = {
    SAVING_MODE: ACTIVE,
    SAVING_CONTROL: DO_NOT_SAVE,
    SAVING_STATE: SAVES_NOT,
    SAVING_SWITCH: True,
}


def saving_form_breaches(
    proposal: ChangeProposal, circumstances: Circumstances, rules: GuardrailRules
) -> list[Breach]:
    """Return where a saving is none of the form that the rules allow; none for other use cases."""
    if not rules.saves_energy(proposal.use_case):
        return []
    operations = proposal.change_set.operations
    found = list(_time_breaches(proposal, circumstances, rules))
    pairs = [
        operations[place : place + WRITES_A_CELL]
        for place in range(0, len(operations), WRITES_A_CELL)
    ]
    for pair in pairs:
        found += _pair_breaches(pair, rules)
    for dn in proposal.change_set.dns:
        found += _present_breaches(dn, circumstances)
    found += _place_breaches(proposal, circumstances)
    found += _expected_breaches(proposal, rules)
    return found


def _time_breaches(
    proposal: ChangeProposal, circumstances: Circumstances, rules: GuardrailRules
) -> Iterator[Breach]:
    if proposal.proposed_at.tzinfo is None:
        return
    age = circumstances.at - proposal.proposed_at
    if age < timedelta(0):
        yield Breach(
            "form",
            f"It says that it was made at {at_time(proposal.proposed_at)}; it is "
            f"{at_time(circumstances.at)} in the network.",
        )
    if age >= timedelta(minutes=rules.saving_keeps_minutes):
        yield Breach(
            "too_old",
            f"It was made at {at_time(proposal.proposed_at)}; after "
            f"{number(rules.saving_keeps_minutes)} min the load that it rests on is another.",
        )


def _pair_breaches(pair: Sequence[Operation], rules: GuardrailRules) -> Iterator[Breach]:
    """Tell what is wrong with the two writes of one cell."""
    told = [(one.dn, one.kind, one.attribute) for one in pair]
    dn = pair[0].dn
    if told != [(dn, "MODIFY", SAVING_MODE), (dn, "MODIFY", SAVING_CONTROL)]:
        yield Breach(
            "saving_form",
            f"{quoted(dn)} is to be told a mode and then to save, in two writes; they are "
            f"{', '.join(quoted(one.attribute) for one in pair)}.",
        )
        return
    mode, control = pair
    if mode.before != ACTIVE or rules.saving_mode(mode.after) is None:
        yield Breach(
            "saving_mode",
            f"A cell may go from {ACTIVE} to {listed(one.mode for one in rules.saving_modes)}, "
            f"not from {quoted(mode.before)} to {quoted(mode.after)}.",
        )
    if (control.before, control.after) != (DO_NOT_SAVE, SAVE):
        yield Breach(
            "saving_mode",
            f"{SAVING_CONTROL} may be set from {DO_NOT_SAVE} to {SAVE}, not from "
            f"{quoted(control.before)} to {quoted(control.after)}.",
        )


def _present_breaches(dn: str, circumstances: Circumstances) -> Iterator[Breach]:
    """Tell where the network does not say that a cell is awake and may be told to save."""
    known = circumstances.objects.get(dn)
    live: Mapping[str, object] = (known.live if known is not None else None) or {}
    for attribute, wanted in _PRESENT.items():
        value = live.get(attribute)
        if value is not wanted and (isinstance(wanted, bool) or value != wanted):
            told = "does not tell it" if value is None else f"says {quoted(value)}"
            yield Breach(
                "present_value",
                f"{attribute} of {quoted(dn)} must be {wanted} before a saving; the network "
                f"{told}.",
            )


def _place_breaches(proposal: ChangeProposal, circumstances: Circumstances) -> Iterator[Breach]:
    """Tell which cells are none that may sleep, or not the ones that are named."""
    named: list[str] = []
    for dn in proposal.change_set.dns:
        known = circumstances.objects.get(dn)
        cells = known.cell_dns if known is not None else ()
        named += cells
        if len(cells) != 1:
            yield Breach("saving_cell", f"{quoted(dn)} is the saving of {len(cells)} cells.")
        for cell in cells:
            if object_class_of(cell) != _MAY_SLEEP:
                yield Breach(
                    "voice_cell",
                    f"{quoted(cell)} is no {_MAY_SLEEP}: voice and emergency calls fall back to it "
                    "and it never sleeps.",
                )
    if sorted(named) != sorted(proposal.cell_dns):
        yield Breach(
            "cells_named",
            f"The proposal names {listed(proposal.cell_dns)}; its writes put "
            f"{listed(named)} to sleep.",
        )
    known_cells = [circumstances.cells[dn] for dn in named if dn in circumstances.cells]
    sites = {one.site_id for one in known_cells}
    if len(sites) > 1:
        yield Breach("one_site", f"A saving is of one site; this one is of {listed(sites)}.")


def _expected_breaches(proposal: ChangeProposal, rules: GuardrailRules) -> Iterator[Breach]:
    """Tell where the effect that is expected would not let harm be found and taken back."""
    told = proposal.expected
    if (told.kpi, told.better) != (_KPI, "lower") or not set(told.cell_dns) <= {*proposal.cell_dns}:
        yield Breach(
            "expected_effect",
            f"A saving is verified by {_KPI} of its own cells, which is to be lower; it names "
            f"{quoted(told.kpi)}, {quoted(told.better)}, of {listed(map(str, told.cell_dns))}.",
        )
    if not _is_within(told.least_gain, 1.0) or not _is_within(
        told.worst_loss, rules.most_saving_loss
    ):
        yield Breach(
            "expected_effect",
            f"It would count as success from {quoted(told.least_gain)} and be taken back beyond "
            f"{quoted(told.worst_loss)}; 0 to 1 and 0 to {number(rules.most_saving_loss)} may be.",
        )
    periods = (told.settle_periods, told.verify_periods)
    is_whole = all(isinstance(one, int) and not isinstance(one, bool) for one in periods)
    if not (
        is_whole
        and told.cell_dns
        and told.settle_periods >= 0
        and 1 <= told.verify_periods <= rules.most_saving_periods - told.settle_periods
    ):
        yield Breach(
            "expected_effect",
            f"It would be judged over {quoted(told.verify_periods)} periods after "
            f"{quoted(told.settle_periods)}; {rules.most_saving_periods} may pass together.",
        )


def _is_within(value: object, most: float) -> bool:
    """Return whether a value is a number from 0 to a bound."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and 0 <= value <= most  # type: ignore[arg-type, operator]
