"""Least privilege: what each agent's identity may propose, and where."""

from semantic_layer.guardrails import ANYWHERE, GuardrailRules, Privilege
from tasks.guardrails.wording import quoted
from tasks.messages.change_sets import Operation
from tasks.messages.proposals import Breach, ChangeProposal


def privilege_breaches(proposal: ChangeProposal, rules: GuardrailRules) -> list[Breach]:
    """Return the operations that the identity has no right to propose."""
    own = [one for one in rules.privileges if one.identity == proposal.proposed_by]
    held = [one for one in own if one.use_case == proposal.use_case]
    if not held:
        known = "may not act in" if own else "is given no right, and so none in"
        return [
            Breach(
                "privilege",
                f"Identity {quoted(proposal.proposed_by)} {known} use case "
                f"{quoted(proposal.use_case)}.",
            )
        ]
    return [
        Breach(
            "privilege",
            f"Identity {quoted(proposal.proposed_by)} has no right to write "
            f"{quoted(operation.attribute or 'whole objects')} of {quoted(operation.object_class)} "
            f"at {quoted(operation.dn)}.",
        )
        for operation in proposal.change_set.operations
        if not any(_covers(one, operation) for one in held)
    ]


def _covers(privilege: Privilege, operation: Operation) -> bool:
    if operation.object_class not in privilege.object_classes:
        return False
    if operation.attribute and operation.attribute not in privilege.attributes:
        return False
    return any(
        area in (ANYWHERE, operation.dn) or operation.dn.startswith(f"{area},")
        for area in privilege.areas
    )
