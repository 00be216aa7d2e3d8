"""Which cells may not sleep now: those that sleep already, are in trouble, or were harmed by it."""

from collections.abc import Iterator
from datetime import timedelta

from semantic_layer.guardrails import GuardrailRules
from tasks.guardrails.circumstances import Circumstances
from tasks.guardrails.wording import at_time, number, quoted
from tasks.messages.proposals import Breach, ChangeProposal


def saving_cell_breaches(
    proposal: ChangeProposal, circumstances: Circumstances, rules: GuardrailRules
) -> list[Breach]:
    """Return why cells of a saving must stay awake; none for other use cases."""
    if not rules.saves_energy(proposal.use_case):
        return []
    touched = sorted(circumstances.touched(proposal))
    return [
        *_asleep_breaches(touched, circumstances),
        *_trouble_breaches(touched, circumstances),
        *_harm_breaches(touched, circumstances, rules),
    ]


def _asleep_breaches(touched: list[str], circumstances: Circumstances) -> Iterator[Breach]:
    if circumstances.asleep is None:
        yield Breach("sleepers_known", "The network does not tell which cells sleep already.")
        return
    for dn in touched:
        if dn in circumstances.asleep:
            yield Breach(
                "present_value",
                f"{quoted(dn)} saves energy already, in {quoted(circumstances.asleep[dn])}.",
            )


def _trouble_breaches(touched: list[str], circumstances: Circumstances) -> Iterator[Breach]:
    if circumstances.troubled is None:
        yield Breach(
            "trouble_known",
            "Nobody knows which findings and alarms stand: alarms or newer findings were never "
            "published.",
        )
        return
    for dn in touched:
        if dn in circumstances.troubled:
            yield Breach(
                "cell_in_trouble", f"{quoted(dn)} stays awake: {circumstances.troubled[dn]}"
            )


def _harm_breaches(
    touched: list[str], circumstances: Circumstances, rules: GuardrailRules
) -> Iterator[Breach]:
    """Tell the cells whose saving was found worse lately."""
    rest = timedelta(hours=rules.rest_after_harm_hours)
    for life in circumstances.lives:
        at = life.applied_at
        if life.effect != "worse" or at is None or circumstances.at - at >= rest:
            continue
        if not rules.saves_energy(life.proposal.use_case):
            continue
        for dn in sorted(circumstances.touched(life.proposal) & set(touched)):
            yield Breach(
                "rest_after_harm",
                f"{quoted(dn)} was put to sleep at {at_time(at)}, which did harm; it stays awake "
                f"for {number(rules.rest_after_harm_hours)} h.",
            )
