"""A long short-term memory that forecasts all KPIs from the last hours of all KPIs."""

from dataclasses import dataclass

import numpy as np

from tasks.anomaly.arrays import Floats
from tasks.anomaly.families.initial_weights import drawn, zeros
from tasks.anomaly.families.torch_arrays import Tensor, Weights, torch_module
from tasks.anomaly.families.torch_family import NeuralFamily


@dataclass(frozen=True, slots=True)
class LstmForecast(NeuralFamily):
    """Forecast errors of a small LSTM (Hochreiter and Schmidhuber 1997).

    The memory starts empty `window` periods before each forecast, so that a score reads no
    farther back and is the same however periods are put together.

    Attributes:
        window: periods that a forecast reads.
        units: of its memory.
    """

    window: int = 12
    units: int = 32

    name = "lstm_forecast"
    title = "LSTM forecast"
    reason = (
        "It knows how KPIs usually go on from the last hours, so it sees an order in time that "
        "breaks although every single value is ordinary."
    )
    sizes = ("window", "units")

    @property
    def reach(self) -> int:
        """The window."""
        return self.window

    def initial(self, kpis: int, random: np.random.Generator) -> dict[str, Floats]:
        """Return weights of gates (input, forget, candidate, output) and of the forecast."""
        gates = 4 * self.units
        bias = zeros(gates)
        bias[self.units : 2 * self.units] = 1  # remembers until it learns to forget
        return {
            "read": drawn(random, 2 * kpis, gates, inputs=2 * kpis),
            "bias": bias,
            "recall": drawn(random, self.units, gates, inputs=self.units),
            "say": zeros(self.units, kpis),
            "level": zeros(kpis),
            "last": zeros(kpis),
        }

    def expected(self, weights: Weights, values: Tensor, known: Tensor) -> Tensor:
        """Return each period's forecast from the `window` periods before it."""
        torch = torch_module()
        read = torch.cat([values, known], dim=1)[..., :-1].transpose(1, 2)
        fed = read @ weights["read"] + weights["bias"]  # what a period says is the same to all
        count = values.shape[-1] - self.window
        memory = fed.new_zeros((fed.shape[0], count, self.units))
        told = memory
        for step in range(self.window):
            gates = fed[:, step : step + count]
            if step:
                gates = gates + told @ weights["recall"]
            enter, keep, candidate, leave = gates.split(self.units, dim=2)
            memory = torch.sigmoid(keep) * memory + torch.sigmoid(enter) * torch.tanh(candidate)
            told = torch.sigmoid(leave) * torch.tanh(memory)
        before = values[..., self.window - 1 : -1]
        forecast = told @ weights["say"] + weights["level"]
        return forecast.transpose(1, 2) + weights["last"][:, None] * before
