"""Dilated causal convolutions that forecast all KPIs from the last hours of all KPIs."""

from dataclasses import dataclass

import numpy as np

from tasks.anomaly.arrays import Floats
from tasks.anomaly.families.initial_weights import drawn, zeros
from tasks.anomaly.families.torch_arrays import Tensor, Weights, torch_module
from tasks.anomaly.families.torch_family import NeuralFamily


@dataclass(frozen=True, slots=True)
class CnnForecast(NeuralFamily):
    """Forecast errors of a small network of dilated causal convolutions.

    Each layer joins two moments twice as far apart as the one before, so four layers read sixteen
    periods. Neighboring forecasts share almost all of their work.

    Attributes:
        layers: of convolutions.
        channels: of each.

    Source: the causal, dilated layers of van den Oord et al., WaveNet, 2016.
    """

    layers: int = 4
    channels: int = 48

    name = "cnn_forecast"
    title = "Convolutional forecast"
    reason = (
        "Like the LSTM it knows how KPIs usually go on, by fixed shapes in the last hours instead "
        "of a memory; it is the cheapest forecast to score a nation with."
    )
    sizes = ("layers", "channels")

    @property
    def reach(self) -> int:
        """What the layers together read."""
        return 1 << self.layers

    def initial(self, kpis: int, random: np.random.Generator) -> dict[str, Floats]:
        """Return weights of layers and of the forecast."""
        weights: dict[str, Floats] = {
            "say": zeros(kpis, self.channels, 1),
            "level": zeros(kpis),
            "last": zeros(kpis),
        }
        incoming = 2 * kpis
        for layer in range(self.layers):
            shape = (self.channels, incoming, 2)
            weights[f"layer_{layer}"] = drawn(random, *shape, inputs=2 * incoming)
            weights[f"bias_{layer}"] = zeros(self.channels)
            incoming = self.channels
        return weights

    def expected(self, weights: Weights, values: Tensor, known: Tensor) -> Tensor:
        """Return each period's forecast from the `reach` periods before it."""
        torch = torch_module()
        signal = torch.cat([values, known], dim=1)[..., :-1]
        for layer in range(self.layers):
            shape = torch.relu(
                torch.nn.functional.conv1d(
                    signal,
                    weights[f"layer_{layer}"],
                    weights[f"bias_{layer}"],
                    dilation=1 << layer,
                )
            )
            signal = shape if layer == 0 else shape + signal[..., 1 << layer :]
        forecast = torch.nn.functional.conv1d(signal, weights["say"], weights["level"])
        return forecast + weights["last"][:, None] * values[..., self.reach - 1 : -1]
