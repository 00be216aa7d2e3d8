"""Who must approve: by the level of autonomy, the risk, the place and what came before."""

from semantic_layer.autonomy import RISKS, AutonomyRules
from semantic_layer.guardrails import GuardrailRules
from tasks.guardrails.circumstances import Circumstances
from tasks.guardrails.protected import places_for_two, quoted_places
from tasks.guardrails.rates import repairs_before
from tasks.guardrails.wording import quoted
from tasks.messages.proposals import Breach, ChangeProposal


def autonomy_breaches(
    proposal: ChangeProposal, circumstances: Circumstances, autonomy: AutonomyRules
) -> list[Breach]:
    """Return why no number of people makes a proposal of this use case possible."""
    level = circumstances.levels.get(proposal.use_case)
    if level is None or autonomy.level(level) is None:
        return [
            Breach(
                "autonomy_level",
                f"Nobody knows the level of autonomy of use case {quoted(proposal.use_case)}.",
            )
        ]
    if level == 0:
        return [
            Breach(
                "autonomy_level",
                f"Use case {quoted(proposal.use_case)} is at L0, where people do everything "
                "themselves.",
            )
        ]
    if proposal.risk not in RISKS:
        return [Breach("risk", f"{quoted(proposal.risk)} is no class of risk.")]
    return []


def persons_needed(
    proposal: ChangeProposal,
    circumstances: Circumstances,
    rules: GuardrailRules,
    autonomy: AutonomyRules,
) -> tuple[int, str]:
    """Return how many people must approve, and why, a sentence.

    The most careful of all reasons counts. Where level or risk is not known, two must.
    """
    level = circumstances.levels.get(proposal.use_case)
    if autonomy_breaches(proposal, circumstances, autonomy) or level is None:
        return 2, "Level or risk is not known."
    risk = autonomy.risk_of(proposal.use_case, proposal.risk)
    persons = autonomy.persons(level, risk)
    reasons = [f"{proposal.use_case} is at L{level} and the risk is {risk}"]
    places = places_for_two(proposal, circumstances)
    if places:
        persons = max(persons, 2)
        reasons.append(f"it touches {quoted_places(places)}")
    repairs = repairs_before(proposal, circumstances, rules)
    if repairs >= rules.repairs_before_person:
        persons = max(persons, 1)
        reasons.append(f"the same cause came back after {repairs} repairs")
    who = {0: "No person", 1: "One person"}.get(persons, f"{persons} persons")
    return persons, f"{who} must approve: {'; '.join(reasons)}."
