"""Rules that alarms, and causal rules between them, must keep."""

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from semantic_layer.alarms import AlarmDefinition, alike
from semantic_layer.correlation import CorrelationRule, why_impossible
from semantic_layer.draft import Draft
from semantic_layer.errors import did_you_mean
from semantic_layer.yaml_source import Entry, Problem


def check_alarm_classes(draft: Draft) -> Iterator[Problem]:
    """The classes that raise an alarm exist."""
    known = draft.names("object class")
    for item, entry in draft.alarms.values():
        for name in item.object_classes:
            if name not in known:
                yield entry.problem(
                    f"Alarm {item.name!r} names no known object class {name!r}"
                    f"{did_you_mean(name, known)}",
                    "Classes are defined in managed_objects.yaml.",
                    key="object_classes",
                )


def check_alarm_names(draft: Draft) -> Iterator[Problem]:
    """An alarm's name is a lower-case word, and a cause's number is its own."""
    for item, entry in draft.alarms.values():
        if not (item.name.isidentifier() and item.name.islower()):
            yield entry.problem(
                f"Name {item.name!r} is no lower-case word.", "Write it_like_this.", key="name"
            )
    numbers: dict[int, Entry] = {}
    for cause, entry in draft.causes.values():
        if cause.number is None:
            continue
        first = numbers.setdefault(cause.number, entry)
        if first is not entry:
            yield entry.problem(
                f"Cause {cause.name!r} has the number of {first.name!r} ({first.file}, line "
                f"{first.line}): {cause.number}.",
                "A file that sends numbers must tell which one it means.",
                key="number",
            )


def check_probable_causes(draft: Draft) -> Iterator[Problem]:
    """A probable cause is one that the standards list."""
    known = draft.names("probable cause")
    for item, entry in draft.alarms.values():
        if item.probable_cause not in known:
            yield entry.problem(
                f"Alarm {item.name!r} gives no standard probable cause {item.probable_cause!r}"
                f"{did_you_mean(item.probable_cause, known)}",
                "Causes are listed in probable_causes.yaml.",
                key="probable_cause",
            )


def check_alarm_texts(draft: Draft) -> Iterator[Problem]:
    """A text leads to one alarm, whatever its case, spaces and marks."""
    seen: dict[str, tuple[AlarmDefinition, Entry]] = {}
    for item, entry in draft.alarms.values():
        for key, text in item.texts:
            if not alike(text):
                yield entry.problem(
                    f"Alarm {item.name!r} is known by an empty text.", "Leave it out.", key=key
                )
                continue
            first, where = seen.setdefault(alike(text), (item, entry))
            if first is not item:
                yield entry.problem(
                    f"Text {text!r} of alarm {item.name!r} already leads to {first.name!r} "
                    f"({where.file}, line {where.line}).",
                    "A delivered alarm must tell which one it is.",
                    key=key,
                )


def check_correlation_ends(draft: Draft) -> Iterator[Problem]:
    """Cause and effect are known, differ, and may stand in the rule's relation."""
    known = draft.names("alarm")
    classes = draft.object_classes
    alarms = {name: item for name, (item, _) in draft.alarms.items()}
    for rule, entry in draft.correlations.values():
        for key, name in (("cause", rule.cause), ("effect", rule.effect)):
            if name not in known:
                yield entry.problem(
                    f"Rule {rule.name!r} names no known alarm {name!r}{did_you_mean(name, known)}",
                    "Alarms are defined in alarms/.",
                    key=key,
                )
        if rule.cause in alarms and rule.effect in alarms:
            reason = why_impossible(rule, alarms[rule.cause], alarms[rule.effect], classes)
            if reason:
                yield entry.problem(
                    f"Rule {rule.name!r} can never hold: {reason}.",
                    "Correct the relation, or the classes of one alarm.",
                    key="relation",
                )


def check_correlation_repeats(draft: Draft) -> Iterator[Problem]:
    """One cause brings one effect over one relation by one rule."""
    seen: dict[tuple[str, str, str], Entry] = {}
    for rule, entry in draft.correlations.values():
        first = seen.setdefault((rule.cause, rule.effect, rule.relation), entry)
        if first is not entry:
            yield entry.problem(
                f"Rule {rule.name!r} says what {first.name!r} says ({first.file}, line "
                f"{first.line}).",
                "Keep one.",
                key="name",
            )


def check_correlation_cycles(draft: Draft) -> Iterator[Problem]:
    """No alarm is, over any number of rules, its own cause."""
    rules = {name: rule for name, (rule, _) in draft.correlations.items()}
    while cycle := _cycle(rules):
        at = {(rule.cause, rule.effect): rule for rule in rules.values()}
        closing = at[cycle[-2], cycle[-1]]
        yield draft.correlations[closing.name][1].problem(
            f"Rule {closing.name!r} closes a circle of causes: {' -> '.join(cycle)}.",
            "An alarm cannot bring itself; turn one rule round, or leave it out.",
            key="effect",
        )
        del rules[closing.name]


def _cycle(rules: Mapping[str, CorrelationRule]) -> list[str]:
    """Return alarms that cause each other in a circle, from the first name's; empty for none."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for rule in rules.values():
        sorter.add(rule.effect, rule.cause)
    try:
        sorter.prepare()
    except CycleError as error:
        found: list[str] = list(error.args[1])
        return found
    return []
