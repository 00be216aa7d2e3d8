"""Families on public labelled series: one frozen configuration beside what is known to be good.

Server machines (`smd`) and application servers (`asd`), neither of them radio. Each family is
fitted on the given training part and scores the test part. VUS-PR takes its window from the period
of the first channel and average precision is by point, both as TSB-AD's evaluator takes them;
nothing is point-adjusted. `python -m tests.benchmarks labelled_series`.

Everything was chosen by the mean over the series tuned on; the others are shown apart. They were
looked at twice: a first configuration, of changes without the usual day taken away, reached VUS-PR
.380 on the machines reported, where faults last for days; then members that judge levels were
added, again chosen by the series tuned on.
"""

import importlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from tasks.anomaly.families.channel_neighbor import ChannelNeighbor
from tasks.anomaly.families.cluster_distance import ClusterDistance
from tasks.anomaly.families.dynamic_threshold import DynamicThreshold
from tasks.anomaly.families.ensemble import Ensemble
from tasks.anomaly.families.family import Family, Panel
from tasks.anomaly.families.gaussian_mixture import GaussianMixture
from tasks.anomaly.families.lasting import Lasting
from tasks.anomaly.families.nearest_subsequence import NearestSubsequence
from tasks.anomaly.families.principal_components import PrincipalComponents
from tasks.anomaly.families.recent_change import RecentChange
from tasks.anomaly.families.robust_covariance import RobustCovariance
from tasks.anomaly.families.series_panel import channel_period, series_panels
from tasks.evaluation.precision import average_precision, labelled_ranges, vus_pr
from tests.benchmarks._one_thread import run_alone
from tests.conftest import REAL_DATA

TUNED = {
    "smd": ("machine-1-2", "machine-1-3", "machine-1-4"),
    "asd": ("omi-1", "omi-2", "omi-3"),
}
REPORTED = {
    "smd": ("machine-1-5", "machine-1-6", "machine-1-7", "machine-1-8"),
    "asd": ("omi-4", "omi-5", "omi-6"),
}
SLOTS_A_DAY = {"smd": 1440, "asd": 288}
LEAST_SPREAD = 0.01  # both data sets were scaled to 0..1 by who published them
RANDOM_SEEDS = 5
FORECASTERS = {"CNN forecasting": ("cnn_forecast", "CnnForecast")}

_COVARIANCE = RobustCovariance(trimmed=0.0, floor=0.2)


def _changed(member: Family, span: int) -> Family:
    return RecentChange(member, span, least_spread=0.3)


MEMBERS = Ensemble(
    (
        _changed(_COVARIANCE, 3),
        _changed(_COVARIANCE, 12),
        _changed(_COVARIANCE, 40),
        _changed(NearestSubsequence(4, references=1000), 3),
        _COVARIANCE,
        NearestSubsequence(8, references=1000),
    )
)

BASELINES: dict[str, Family] = {
    "principal components": PrincipalComponents(),
    "clusters of windows (KMeansAD-style)": ClusterDistance(span=40, clusters=10),
    "nearest neighbor on channel 0": ChannelNeighbor(span=40, references=4000),
    "dynamic threshold": DynamicThreshold(),
    "robust covariance": RobustCovariance(),
    "Gaussian mixture": GaussianMixture(),
    "nearest sub-sequence": NearestSubsequence(8, references=1000),
}


@dataclass(frozen=True, slots=True)
class Series:
    """One labelled series.

    Attributes:
        training, tested: [periods, channels].
        labels: [periods] of the tested part.
        causes: which channels explain a labelled range, by its first period.
        slots_a_day: periods a day.
        tested_slot: slot of the day at which `tested` begins; None where it follows `training`.
    """

    training: np.ndarray
    tested: np.ndarray
    labels: np.ndarray
    causes: dict[int, list[int]]
    slots_a_day: int
    tested_slot: int | None = None

    def panels(self, *, has_day: bool) -> tuple[Panel, Panel]:
        """Return both parts, plainly standardized or also without the usual day."""
        return series_panels(
            self.training,
            self.tested,
            LEAST_SPREAD,
            self.slots_a_day,
            has_day=has_day,
            tested_slot=self.tested_slot,
        )


@dataclass(frozen=True, slots=True)
class Configuration:
    """A family and how series are prepared for it.

    Attributes:
        family: what is fitted and scores.
        has_day: whether the usual day is taken away first.
        centered: periods around each over which scores are averaged; 1 for none, which is causal.
    """

    family: Family
    has_day: bool = True
    centered: int = 1


@dataclass(frozen=True, slots=True)
class Result:
    """How well one configuration ranks one series, and what it cost to fit and to score it."""

    vus_pr: float
    average_precision: float
    cpu_seconds: float


FROZEN = Configuration(Lasting(MEMBERS, 20))
OFFLINE = Configuration(MEMBERS, centered=31)


def main() -> None:
    """Measure in a process of one thread."""
    run_alone("labelled_series")


def measure() -> None:
    """Print every configuration's means, by data set and half; then how well parts name causes."""
    if not REAL_DATA.is_dir():
        print(f"bench labelled_series: skipped, no folder {REAL_DATA.name!r} beside the clone")
        return
    for half, chosen in (("tuned on", TUNED), ("reported", REPORTED)):
        for collection, names in chosen.items():
            series = [labelled_series(REAL_DATA, collection, name) for name in names]
            for title, judge in _judges():
                _say(collection, half, title, [judge(one) for one in series])
            if collection == "smd":
                _say_causes(half, series)


def labelled_series(folder: Path, collection: str, name: str) -> Series:
    """Return one series of a collection in the folder of data sets."""
    with np.load(folder / collection / f"{name}.npz", allow_pickle=False) as archive:
        training, tested = (
            archive["training" if "training" in archive else "train"],
            archive["test"],
        )
        labels = archive["label"] > 0
    told = folder / collection / f"{name}.interpretation.txt"
    causes: dict[int, list[int]] = {}
    for line in told.read_text().split() if told.is_file() else []:
        where, channels = line.split(":")
        causes[int(where.split("-")[0])] = [int(number) - 1 for number in channels.split(",")]
    return Series(training, tested, labels, causes, SLOTS_A_DAY[collection])


def judged(series: Series, chosen: Configuration) -> Result:
    """Return how a configuration ranks the tested part after being fitted on the training part."""
    training, tested = series.panels(has_day=chosen.has_day)
    started = time.process_time()
    scores = chosen.family.scores(chosen.family.fit(training, 0), tested)[0]
    seconds = time.process_time() - started
    around = np.convolve(scores, np.full(chosen.centered, 1 / chosen.centered), "same")
    return _result(series, around, seconds)


def judged_from_first_part(series: Series, chosen: Configuration) -> Result:
    """Return how a configuration ranks the whole tested file, fitted on what precedes a label.

    So are the published figures of TSB-AD made, which leave the training file out.
    """
    first = max(int(np.flatnonzero(series.labels)[0]) - 100, 500)
    shorter = replace(series, training=series.tested[:first], tested_slot=0)
    return judged(shorter, chosen)


def random_floor(series: Series) -> Result:
    """Return what scores without any meaning reach, in the mean of some seeds."""
    found = [
        _result(series, np.random.default_rng(seed).random(len(series.labels)), 0.0)
        for seed in range(RANDOM_SEEDS)
    ]
    return Result(*(float(np.mean([getattr(one, of) for one in found])) for of in Result.__slots__))


def cause_ranking(series: Series, chosen: Configuration) -> tuple[float, float, float]:
    """Return hit rate and NDCG of the channels that parts name, and what chance gives for both.

    By labelled range, over its mean parts: of as many top channels as truly explain it, the share
    that do (HitRate@100 %), and the discounted gain over the best possible.
    """
    training, tested = series.panels(has_day=chosen.has_day)
    parts = np.nan_to_num(chosen.family.parts(chosen.family.fit(training, 0), tested)[0])
    hits, gains, chances = [], [], []
    for _, first, last in labelled_ranges(series.labels[None]):
        truth = series.causes.get(int(first))
        if truth:
            ranked = np.argsort(-parts[:, first : last + 1].mean(axis=1), kind="stable")
            found = np.isin(ranked[: len(truth)], truth)
            discounts = 1 / np.log2(np.arange(len(truth)) + 2)
            hits.append(found.mean())
            gains.append((found * discounts).sum() / discounts.sum())
            chances.append(len(truth) / len(parts))
    return float(np.mean(hits)), float(np.mean(gains)), float(np.mean(chances))


def _judges() -> Iterator[tuple[str, Callable[[Series], Result]]]:
    yield "random scores", random_floor
    for title, family in {**BASELINES, **dict(_forecasters())}.items():
        yield title, partial(judged, chosen=Configuration(family, has_day=False))
    for title, family in BASELINES.items():
        changes = Lasting(_changed(family, 3), 20)
        yield f"{title}, of changes, lasting", partial(judged, chosen=Configuration(changes))
    yield "frozen configuration", partial(judged, chosen=FROZEN)
    yield "frozen, offline (centered mean)", partial(judged, chosen=OFFLINE)
    yield "frozen, fitted before the first label", partial(judged_from_first_part, chosen=FROZEN)
    plain = Configuration(PrincipalComponents(), has_day=False)
    yield (
        "principal components, fitted before the first label",
        partial(judged_from_first_part, chosen=plain),
    )


def _forecasters() -> Iterator[tuple[str, Family]]:
    for title, (module, name) in FORECASTERS.items():
        try:
            family = getattr(importlib.import_module(f"tasks.anomaly.families.{module}"), name)()
            importlib.import_module("torch")
        except ModuleNotFoundError as error:
            print(f"bench labelled_series: {title} skipped, no module {error.name}")
        else:
            yield title, family


def _result(series: Series, scores: np.ndarray, seconds: float) -> Result:
    window = channel_period(series.tested[:, 0])
    return Result(
        vus_pr(scores[None], series.labels[None], window),
        average_precision(scores, series.labels),
        seconds,
    )


def _say(collection: str, half: str, title: str, results: list[Result]) -> None:
    surface, precision, seconds = (
        float(np.mean([getattr(one, of) for one in results])) for of in Result.__slots__
    )
    each = " ".join(f"{one.vus_pr:.2f}" for one in results)
    print(
        f"bench labelled_series: {collection} ({half}) {title} VUS-PR {surface:.3f} AP "
        f"{precision:.3f} ({each}; {seconds:.2f} CPU-s a series)",
        flush=True,
    )


def _say_causes(half: str, series: list[Series]) -> None:
    alone = Configuration(RobustCovariance(), has_day=False)
    for title, chosen in (("frozen", FROZEN), ("robust covariance", alone)):
        found = np.array([cause_ranking(one, chosen) for one in series]).mean(axis=0)
        print(
            f"bench labelled_series: smd ({half}) {title} parts name causes: HitRate@100% "
            f"{found[0]:.3f} NDCG {found[1]:.3f} (ratio {found[0] / found[2]:.1f} to chance's "
            f"{found[2]:.3f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
