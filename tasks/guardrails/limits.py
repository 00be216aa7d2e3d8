"""The allow-list: which writes a use case may contain, and the bounds of every value.

What no allowance names is forbidden; what is not known of an object forbids it too.
"""

from collections.abc import Iterator, Mapping, Sequence

from semantic_layer.errors import InputError
from semantic_layer.guardrails import Allowance, GuardrailRules
from semantic_layer.identity import normalized_dn, object_class_of
from tasks.guardrails.change_forms import is_restart
from tasks.guardrails.circumstances import Circumstances, ObjectFacts
from tasks.guardrails.saving_form import WRITES_A_CELL
from tasks.guardrails.wording import listed, quoted
from tasks.messages.canonical import JsonValue, canonical_json
from tasks.messages.change_sets import Operation
from tasks.messages.proposals import Breach, ChangeProposal

_LONGEST_DN = 400


def limit_breaches(
    proposal: ChangeProposal, circumstances: Circumstances, rules: GuardrailRules
) -> list[Breach]:
    """Return where a proposal's operations leave the allow-list, each with both values."""
    operations = proposal.change_set.operations
    found = list(_size_breaches(proposal, rules))
    for operation in operations:
        allowance = _allowance(proposal.use_case, operation, rules)
        if allowance is None:
            found.append(
                Breach(
                    "allow_list",
                    f"Use case {quoted(proposal.use_case)} may not {quoted(operation.kind)} "
                    f"{quoted(operation.attribute or 'the object')} of "
                    f"{quoted(operation.object_class)}; no allowance names it.",
                )
            )
            continue
        found += _place_breaches(proposal, operation, circumstances)
        found += _value_breaches(operation, operations, allowance, circumstances)
    return found


def _size_breaches(proposal: ChangeProposal, rules: GuardrailRules) -> Iterator[Breach]:
    count, most = len(proposal.change_set.operations), rules.most_operations
    if rules.saves_energy(proposal.use_case):
        most = WRITES_A_CELL * rules.most_saving_cells
    if not 1 <= count <= most:
        yield Breach(
            "change_set_size", f"The change set has {count} writes; 1 to {most} are allowed."
        )
    places = [(one.dn, one.attribute) for one in proposal.change_set.operations]
    if len(set(places)) != len(places) - _restart_repeats(proposal.change_set.operations):
        yield Breach("change_set_size", "The change set writes one attribute more than once.")
    if not proposal.cell_dns:
        yield Breach("cells_named", "The proposal names no cell whose service it touches.")


def _restart_repeats(operations: Sequence[Operation]) -> int:
    return sum(is_restart(dn, operations) for dn in {one.dn for one in operations})


def _allowance(use_case: str, operation: Operation, rules: GuardrailRules) -> Allowance | None:
    return next(
        (
            one
            for one in rules.allowances
            if (one.use_case, one.kind, one.object_class, one.attribute)
            == (use_case, operation.kind, operation.object_class, operation.attribute)
        ),
        None,
    )


def _place_breaches(
    proposal: ChangeProposal, operation: Operation, circumstances: Circumstances
) -> Iterator[Breach]:
    """Tell what is wrong with where an operation writes: its DN, its class, its cells."""
    wrong = _wrong_dn(operation)
    if wrong:
        yield Breach("object_name", wrong)
        return
    known = circumstances.objects.get(operation.dn)
    if known is None:
        yield Breach(
            "object_known", f"Nothing is known of {quoted(operation.dn)}: it has no place yet."
        )
        return
    if known.object_class != operation.object_class:
        yield Breach(
            "object_known",
            f"{quoted(operation.dn)} is a {known.object_class}, not a "
            f"{quoted(operation.object_class)}.",
        )
    outside = set(known.cell_dns) - set(proposal.cell_dns)
    if outside or not known.cell_dns:
        whose = listed(outside) if outside else "no known cell"
        yield Breach(
            "cells_named",
            f"{quoted(operation.dn)} belongs to {whose}, which the proposal does not name.",
        )
    for cell in sorted(known.cell_dns):
        if cell not in circumstances.cells:
            yield Breach("cell_known", f"The inventory has no cell {quoted(cell)}.")


def _wrong_dn(operation: Operation) -> str:
    """Return what is wrong with an operation's DN; empty where it is well formed."""
    dn = operation.dn
    if not isinstance(dn, str) or len(dn) > _LONGEST_DN or not dn.isprintable():
        return f"{quoted(dn)} is no name of an object: too long, or not printable."
    try:
        if normalized_dn(dn) != dn:
            return f"{quoted(dn)} is not spelt as names are: {quoted(normalized_dn(dn))}."
        if object_class_of(dn) != operation.object_class:
            return f"{quoted(dn)} does not name a {quoted(operation.object_class)}."
    except InputError:
        return f"{quoted(dn)} is no name of an object."
    return ""


def _value_breaches(
    operation: Operation,
    operations: Sequence[Operation],
    allowance: Allowance,
    circumstances: Circumstances,
) -> Iterator[Breach]:
    if _is_same(operation.before, operation.after):
        yield Breach("value", f"Nothing changes: before and after are {quoted(operation.after)}.")
    known = circumstances.objects.get(operation.dn)
    if allowance.form == "restart":
        yield from _restart_breaches(operation, operations, known)
    elif allowance.form == "planned_number":
        yield from _number_breaches(operation, allowance, known)
    elif allowance.form == "planned_object":
        yield from _created_breaches(operation, known)


def _restart_breaches(
    operation: Operation, operations: Sequence[Operation], known: ObjectFacts | None
) -> Iterator[Breach]:
    if not is_restart(operation.dn, operations):
        yield Breach(
            "restart",
            f"The state of {quoted(operation.dn)} may only be set from UNLOCKED to LOCKED and at "
            f"once back; it is set from {quoted(operation.before)} to {quoted(operation.after)}.",
        )
    live = _live(known, operation.attribute)
    if live is None:
        yield Breach(
            "present_value", f"The network does not tell the state of {quoted(operation.dn)}."
        )
    elif operation.before == "UNLOCKED" and live != "UNLOCKED":
        yield Breach(
            "present_value",
            f"{quoted(operation.dn)} is {quoted(live)} now, not UNLOCKED as the proposal says.",
        )


def _number_breaches(
    operation: Operation, allowance: Allowance, known: ObjectFacts | None
) -> Iterator[Breach]:
    before, after = _whole(operation.before), _whole(operation.after)
    if before is None or after is None:
        yield Breach(
            "value",
            f"{quoted(operation.attribute)} is a whole number of {allowance.unit}, not "
            f"{quoted(operation.before)} or {quoted(operation.after)}.",
        )
        return
    lowest, highest = allowance.lowest or 0, allowance.highest or 0
    for value in (before, after):
        if not lowest <= value <= highest:
            yield Breach(
                "value_range",
                f"{quoted(operation.attribute)} {quoted(value)} is outside {lowest} to {highest} "
                f"{allowance.unit}.",
            )
    if abs(after - before) > (allowance.largest_step or 0):
        yield Breach(
            "step_size",
            f"{quoted(operation.attribute)} would move by {quoted(abs(after - before))}; at most "
            f"{allowance.largest_step} {allowance.unit} are allowed at once.",
        )
    live = _live(known, operation.attribute)
    if live is None or not _is_same(live, operation.before):
        told = "does not tell it" if live is None else f"says {quoted(live)}"
        yield Breach(
            "present_value",
            f"The proposal expects {quoted(operation.attribute)} {before} at "
            f"{quoted(operation.dn)}; the network {told}.",
        )
    planned = (known.planned or {}).get(operation.attribute) if known else None
    if planned is None or planned != plain_text(after):
        told = "nothing is planned" if planned is None else f"{quoted(planned)} is planned"
        yield Breach(
            "planned_value", f"{quoted(operation.attribute)} would become {after}; {told}."
        )


def _created_breaches(operation: Operation, known: ObjectFacts | None) -> Iterator[Breach]:
    if operation.before is not None:
        yield Breach("value", f"What is created cannot have been {quoted(operation.before)}.")
    if known is None or known.planned is None:
        yield Breach("planned_value", f"No plan holds {quoted(operation.dn)}.")
        return
    if known.live is not None:
        yield Breach("present_value", f"{quoted(operation.dn)} exists already.")
    made = operation.after
    if not isinstance(made, Mapping) or not all(isinstance(name, str) for name in made):
        yield Breach("planned_value", f"{quoted(made)} are no attributes of an object.")
        return
    written = {name: plain_text(value) for name, value in made.items()}
    if written != dict(known.planned):
        differing = {
            name
            for name in {*written, *known.planned}
            if written.get(name) != known.planned.get(name)
        }
        yield Breach(
            "planned_value",
            f"{quoted(operation.dn)} would not be created as planned: {listed(differing)}.",
        )


def _live(known: ObjectFacts | None, attribute: str) -> JsonValue:
    return None if known is None or known.live is None else known.live.get(attribute)


def _whole(value: JsonValue) -> int | None:
    """Return a whole number, None for all else; a truth value is no number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _is_same(first: JsonValue, second: JsonValue) -> bool:
    """Return whether two JSON values are the same, types included."""
    try:
        return canonical_json(first) == canonical_json(second)
    except (InputError, RecursionError):
        return False


def plain_text(value: JsonValue) -> str:
    """Return a value as configuration products keep it: text as it is, the rest as JSON."""
    if isinstance(value, str):
        return value
    try:
        return canonical_json(value)
    except (InputError, RecursionError):
        return ascii(value)
