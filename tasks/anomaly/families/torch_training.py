"""Training of small networks that expect KPIs, on history in which unmarked faults lie.

The loss grows only linearly in large errors, and the worst periods of each batch teach nothing.
Training stops when the newest part of history is no longer expected better, or after so many
steps: a budget that costs the same on every machine, as a clock would not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from tasks.anomaly.arrays import Floats
from tasks.anomaly.families.family import Panel
from tasks.anomaly.families.torch_arrays import Tensor, Weights, array, tensor, torch_module
from tasks.anomaly.families.windowed import squeezed

Expectation: TypeAlias = Callable[[Weights, Tensor, Tensor], Tensor]
"""From weights, values and marks [stretches, KPIs, context + periods] to what is expected of the
periods, [stretches, KPIs, periods]."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How a network is trained.

    Attributes:
        most_steps: batches, at most.
        stretches: stretches of some cell's history in a batch.
        stretch_periods: periods of a stretch that are expected, beside their context.
        learning_rate: at the start; falls to zero along a half cosine over `most_steps`.
        hidden_share: of what the network reads, hidden at random so that it must use the rest.
        trimmed_share: of the periods in a batch, the worst, that teach nothing.
        checked_every: steps between looks at the held-out history.
        patience: looks without a better one before training stops.
        held_out_stretches: stretches looked at.
    """

    most_steps: int = 800
    stretches: int = 64
    stretch_periods: int = 24
    learning_rate: float = 4e-3
    hidden_share: float = 0.1
    trimmed_share: float = 0.05
    checked_every: int = 25
    patience: int = 8
    held_out_stretches: int = 256


@dataclass(frozen=True, slots=True)
class Stretches:
    """Stretches of history.

    Attributes:
        read, known: what the network reads, [stretches, KPIs, reach + periods].
        seen, is_seen: what it should expect, [stretches, KPIs, periods]; whole where some of
            `read` is hidden.
    """

    read: Floats
    known: Floats
    seen: Floats
    is_seen: Floats


@dataclass(frozen=True, slots=True)
class Task:
    """What is trained.

    Attributes:
        expected: the network.
        reach: periods that it reads before the first that it expects.
        limit: spreads beyond which a deviation is read as no larger.
        schedule: how it is trained.
    """

    expected: Expectation
    reach: int
    limit: float
    schedule: Schedule


def trained(
    task: Task,
    initial: dict[str, Floats],
    older: Panel,
    newer: Panel,
    random: np.random.Generator,
) -> dict[str, Floats]:
    """Return the weights that expect the held-out history best.

    Args:
        task: the network and how it is trained.
        initial: its weights to start from.
        older: history to learn from.
        newer: later history to stop by.
        random: draws stretches and what is hidden.
    """
    torch, schedule = torch_module(), task.schedule
    held_out = _drawn(newer, task, schedule.held_out_stretches, random)
    weights = {name: tensor(values).requires_grad_() for name, values in initial.items()}
    optimizer = torch.optim.Adam(list(weights.values()), lr=schedule.learning_rate)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, schedule.most_steps)
    best, best_loss, looks = initial, np.inf, 0
    for step in range(1, schedule.most_steps + 1):
        batch = _some_hidden(_drawn(older, task, schedule.stretches, random), schedule, random)
        optimizer.zero_grad()
        _loss(task, weights, batch).backward()
        torch.nn.utils.clip_grad_norm_(list(weights.values()), 1.0)
        optimizer.step()
        falling.step()
        if step % schedule.checked_every:
            continue
        with torch.no_grad():
            now = float(_loss(task, weights, held_out))
        looks += 1
        if now < best_loss:
            best, best_loss, looks = _copied(weights), now, 0
        if looks >= schedule.patience:
            break
    return best


def _copied(weights: Weights) -> dict[str, Floats]:
    return {name: array(values).copy() for name, values in weights.items()}


def _loss(task: Task, weights: Weights, batch: Stretches) -> Tensor:
    """Return the mean Huber loss of the periods that are not among the worst."""
    torch = torch_module()
    found = task.expected(weights, tensor(batch.read), tensor(batch.known))
    marks = tensor(batch.is_seen)
    losses = torch.nn.functional.huber_loss(found, tensor(batch.seen), reduction="none") * marks
    count = marks.sum(dim=1)
    by_period = (losses.sum(dim=1) / count.clamp(min=1))[count > 0]
    kept = max(int(by_period.numel() * (1 - task.schedule.trimmed_share)), 1)
    return torch.topk(by_period, min(kept, by_period.numel()), largest=False).values.mean()


def _drawn(panel: Panel, task: Task, count: int, random: np.random.Generator) -> Stretches:
    """Return stretches of random cells from random periods on; those without data say nothing."""
    cells, _, periods = panel.values.shape
    length = min(task.schedule.stretch_periods, periods - task.reach)
    which = random.integers(0, cells, count)
    first = random.integers(0, periods - task.reach - length + 1, count)
    places = first[:, None] + np.arange(task.reach + length)
    values = panel.values[which[:, None], :, places].transpose(0, 2, 1)
    read, known = squeezed(values, task.limit)
    late = values[..., task.reach :]
    is_seen = np.isfinite(late)
    return Stretches(
        read, known.astype(np.float32), np.where(is_seen, late, 0), is_seen.astype(np.float32)
    )


def _some_hidden(batch: Stretches, schedule: Schedule, random: np.random.Generator) -> Stretches:
    shown = (random.random(batch.known.shape) >= schedule.hidden_share).astype(np.float32)
    return Stretches(batch.read * shown, batch.known * shown, batch.seen, batch.is_seen)
