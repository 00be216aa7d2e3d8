"""Attention over KPIs: what each should show now, given what the others show."""

from dataclasses import dataclass

import numpy as np

from tasks.anomaly.arrays import Floats
from tasks.anomaly.families.initial_weights import drawn, zeros
from tasks.anomaly.families.torch_arrays import Tensor, Weights, torch_module
from tasks.anomaly.families.torch_family import NeuralFamily

_CLOSED = -1e9


@dataclass(frozen=True, slots=True)
class Transformer(NeuralFamily):
    """Errors of a small masked transformer, one head over tokens that are KPIs.

    A KPI asks by its own past alone; the others answer by their past and present. Its own answer
    is masked, so one pass expects every KPI without showing it any of itself now. KPIs without
    data now answer nothing; one answer always stands open that says nothing, so that a KPI none
    of the others tells of may be expected from its past.

    Attributes:
        window: periods of each KPI that make a token, the scored one last.
        width: numbers of a question, a key and an answer.
        units: of the layer after attention.

    Source: Vaswani et al., Attention is all you need, 2017; KPIs as tokens as in Liu et al.,
    iTransformer, 2024.
    """

    window: int = 4
    width: int = 16
    units: int = 24

    name = "transformer"
    title = "Transformer over KPIs"
    reason = (
        "It learns which KPIs to ask when it says what one should show, and asks others when the "
        "situation differs, so it finds the one that stops following its fellows."
    )
    sizes = ("window", "width", "units")

    @property
    def reach(self) -> int:
        """The window, but for the scored period."""
        return self.window - 1

    def initial(self, kpis: int, random: np.random.Generator) -> dict[str, Floats]:
        """Return weights of questions, answers and what is made of them."""
        past, whole, width = 2 * self.reach, 2 * self.window, self.width
        return {
            "ask": drawn(random, kpis, past, width, inputs=past),
            "ask_bias": drawn(random, kpis, width, inputs=1),
            "key": drawn(random, kpis, whole, width, inputs=whole),
            "key_bias": drawn(random, kpis, width, inputs=1),
            "answer": drawn(random, kpis, whole, width, inputs=whole),
            "nothing": drawn(random, width, inputs=width),
            "join": drawn(random, 2 * width, self.units, inputs=2 * width),
            "join_bias": zeros(self.units),
            "say": zeros(kpis, self.units),
            "say_answer": zeros(kpis, width),
            "level": zeros(kpis),
        }

    def expected(self, weights: Weights, values: Tensor, known: Tensor) -> Tensor:
        """Return each KPI's expectation from its past and the others' past and present."""
        torch = torch_module()
        marks = known.unfold(2, self.window, 1)
        windows = torch.cat([values.unfold(2, self.window, 1), marks], dim=3)
        tokens = windows.permute(1, 0, 2, 3).flatten(1, 2)  # [KPIs, rows, 2 * window]
        now = (self.window - 1, 2 * self.window - 1)
        before = [place for place in range(2 * self.window) if place not in now]
        asked = tokens[..., before] @ weights["ask"] + weights["ask_bias"][:, None]
        heard = _heard(
            asked,
            tokens @ weights["key"] + weights["key_bias"][:, None],
            tokens @ weights["answer"],
            weights["nothing"],
            (known[..., self.reach :] == 0).permute(0, 2, 1).flatten(0, 1),
        )
        joined = torch.cat([asked, heard], dim=2) @ weights["join"] + weights["join_bias"]
        said = (torch.relu(joined) @ weights["say"][..., None])[..., 0]
        said = said + (heard @ weights["say_answer"][..., None])[..., 0] + weights["level"][:, None]
        return said.reshape(len(said), values.shape[0], -1).permute(1, 0, 2)


def _heard(
    asked: Tensor, keys: Tensor, answers: Tensor, nothing: Tensor, is_closed: Tensor
) -> Tensor:
    """Return what each KPI hears from the others, [KPIs, rows, width].

    Args:
        asked: what each KPI asks, [KPIs, rows, width].
        keys: to what questions each answers, in the same shape.
        answers: what each answers, in the same shape.
        nothing: [width], the key of the answer that is always open and says nothing.
        is_closed: [rows, KPIs], no data now.
    """
    torch = torch_module()
    kpis, rows, width = asked.shape
    key = torch.cat([keys, nothing.expand(1, rows, width)]).permute(1, 2, 0)
    agreement = asked.permute(1, 0, 2) @ key * width**-0.5  # [rows, KPIs, KPIs + 1]
    itself = torch.eye(kpis, kpis + 1, dtype=torch.bool, device=asked.device)
    agreement = agreement.masked_fill(itself, _CLOSED)
    if bool(is_closed.any()):
        gaps = torch.nn.functional.pad(is_closed, (0, 1))
        agreement = agreement.masked_fill(gaps[:, None], _CLOSED)
    weights = torch.softmax(agreement, dim=2)[..., :-1]
    return (weights @ answers.permute(1, 0, 2)).permute(1, 0, 2)
