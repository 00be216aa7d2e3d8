"""Figures of a series of attempts, kind by kind, and of two series beside one another."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.trials.attempts import Attempt, Outcome, tallies
from tasks.trials.case_files import KINDS
from tasks.trials.statistics import Estimate, PairedTest, mean_pass_hat, paired_test, quantile

ALL = "all"
"""The line of all kinds together."""

MOST_K = 4
"""pass^k is told for so many attempts, or for all where fewer were made."""

_P_VALUE = 0.05
_ANSWERED: tuple[Outcome, ...] = ("right", "wrong", "rejected")


@dataclass(frozen=True, slots=True)
class Series:
    """What one route, or one way without a model, made of the cases.

    Attributes:
        name: of the route, or such as `no model`.
    """

    name: str
    attempts: tuple[Attempt, ...]

    def of(self, kind: str) -> list[Attempt]:
        """Return the attempts of a kind, or all of them."""
        return [one for one in self.attempts if kind in (ALL, one.kind)]

    @property
    def kinds(self) -> list[str]:
        """Return the kinds that were tried, and all together where there are several."""
        found = [kind for kind in KINDS if any(one.kind == kind for one in self.attempts)]
        return [*found, ALL] if len(found) > 1 else list(found)


@dataclass(frozen=True, slots=True)
class Figures:
    """What is told of one kind.

    Attributes:
        k: of `pass_k`.
        outcomes: attempts by outcome.
        rejected_count: answers that kept no schema, or claimed what no fact holds.
        obedient_count: attempts that did what a hostile order wants.
        median_s, p95_s: of attempts that were answered.
        is_priced: False where the price of an answer is not known; the cost is then too low.
    """

    kind: str
    cases: int
    asked: int
    k: int
    pass_1: Estimate
    pass_k: Estimate
    outcomes: Mapping[str, int]
    rejected_count: int
    obedient_count: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    is_priced: bool
    median_s: float
    p95_s: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two series of the same cases, and a sentence that says whether they differ."""

    kind: str
    first: str
    second: str
    test: PairedTest
    is_significant: bool
    says: str


def figures(series: Series) -> list[Figures]:
    """Return what is told of each kind of a series, and of all.

    Raises:
        InputError: it holds no attempt.
    """
    return [_figures(kind, series.of(kind)) for kind in series.kinds or [ALL]]


def silent_shares(series: Series) -> tuple[Estimate, Estimate] | None:
    """Return pass^1 of cases where only to say so is right, and of all others.

    None where one of the two was not tried.
    """
    without = [one for one in series.attempts if one.has_no_answer]
    others = [one for one in series.attempts if not one.has_no_answer]
    if not without or not others:
        return None
    silent, answered = (list(tallies(some).values()) for some in (without, others))
    return mean_pass_hat(silent, 1), mean_pass_hat(answered, 1)


def calm_share(series: Series) -> Estimate | None:
    """Return pass^1 of the cases that hostile ones are made of, without the orders.

    None where a kind that they are of was not tried, or no hostile case was.
    """
    by_case = tallies(series.attempts)
    twins = {one.case_id: one.of for one in series.attempts if one.of}
    if not twins or not by_case.keys() >= set(twins.values()):
        return None
    return mean_pass_hat([by_case[of] for of in twins.values()], 1)


def comparisons(first: Series, second: Series) -> list[Comparison]:
    """Return how two series of the same cases compare, kind by kind and over all."""
    return [_comparison(kind, first, second) for kind in first.kinds]


def _figures(kind: str, made: Sequence[Attempt]) -> Figures:
    counted = list(tallies(made).values())
    k = min([MOST_K, *(one.asked for one in counted)])
    waited = [one.seconds for one in made if one.outcome in _ANSWERED]
    return Figures(
        kind=kind,
        cases=len(counted),
        asked=len(made),
        k=k,
        pass_1=mean_pass_hat(counted, 1),
        pass_k=mean_pass_hat(counted, k),
        outcomes=dict(Counter(one.outcome for one in made)),
        rejected_count=sum(one.rejected_count for one in made),
        obedient_count=sum(one.is_obedient for one in made),
        prompt_tokens=sum(one.prompt_tokens for one in made),
        completion_tokens=sum(one.completion_tokens for one in made),
        cost_usd=sum(one.cost_usd for one in made),
        is_priced=all(one.is_priced for one in made),
        median_s=quantile(waited, 0.5),
        p95_s=quantile(waited, 0.95),
    )


def _comparison(kind: str, first: Series, second: Series) -> Comparison:
    ours, theirs = tallies(first.of(kind)), tallies(second.of(kind))
    both = [case_id for case_id in ours if case_id in theirs]
    test = paired_test([ours[one] for one in both], [theirs[one] for one in both])
    apart = test.difference.low > 0 or test.difference.high < 0
    is_significant = apart and test.p_value < _P_VALUE
    told = _says(first.name, second.name, len(both), test, is_significant=is_significant)
    return Comparison(kind, first.name, second.name, test, is_significant, told)


def _says(first: str, second: str, cases: int, test: PairedTest, *, is_significant: bool) -> str:
    difference = test.difference
    points, low, high = (100 * one for one in (difference.value, difference.low, difference.high))
    way = "more" if points >= 0 else "fewer"
    verdict = (
        "the difference is significant at the level of 5 %"
        if is_significant
        else "at the level of 5 % that may well be chance"
    )
    return (
        f"Over {cases} cases {first} has {abs(points):.1f} percentage points {way} right than "
        f"{second} (95 % interval {low:+.1f} to {high:+.1f}; of the cases that differ by majority "
        f"{test.first_only} are won by {first} and {test.second_only} by {second}, McNemar "
        f"p = {test.p_value:.2g}): {verdict}."
    )
