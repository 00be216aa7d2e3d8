"""An autoencoder: the last periods of all KPIs through a bottleneck, and back to the last one."""

from dataclasses import dataclass

import numpy as np

from tasks.anomaly.arrays import Floats
from tasks.anomaly.families.initial_weights import drawn, zeros
from tasks.anomaly.families.torch_arrays import Tensor, Weights, torch_module
from tasks.anomaly.families.torch_family import NeuralFamily


@dataclass(frozen=True, slots=True)
class Autoencoder(NeuralFamily):
    """Errors of the last period as a bottleneck brings it back.

    In training some of what is read is hidden (a denoising autoencoder), so that a KPI must come
    back from what the others show rather than from itself.

    Attributes:
        window: periods that the bottleneck sums up, the scored one last.
        units: of the layers beside the bottleneck.
        bottleneck: numbers that stand for a window.

    Source: Vincent et al., Extracting and composing robust features with denoising autoencoders,
    2008.
    """

    window: int = 4
    units: int = 64
    bottleneck: int = 10

    name = "autoencoder"
    title = "Autoencoder"
    reason = (
        "Principal components with bends and memory: the few shapes that the last periods of all "
        "KPIs usually take together, and how far the newest is from any of them."
    )
    sizes = ("window", "units", "bottleneck")

    @property
    def reach(self) -> int:
        """The window, but for the scored period."""
        return self.window - 1

    def initial(self, kpis: int, random: np.random.Generator) -> dict[str, Floats]:
        """Return weights into and out of the bottleneck."""
        incoming = 2 * kpis * self.window
        return {
            "wide": drawn(random, self.units, 2 * kpis, self.window, inputs=incoming),
            "wide_bias": zeros(self.units),
            "narrow": drawn(random, self.bottleneck, self.units, 1, inputs=self.units),
            "narrow_bias": zeros(self.bottleneck),
            "widen": drawn(random, self.units, self.bottleneck, 1, inputs=self.bottleneck),
            "widen_bias": zeros(self.units),
            "say": zeros(kpis, self.units, 1),
            "level": zeros(kpis),
        }

    def expected(self, weights: Weights, values: Tensor, known: Tensor) -> Tensor:
        """Return each period as it comes back from the bottleneck."""
        torch = torch_module()
        convolved = torch.nn.functional.conv1d
        read = torch.cat([values, known], dim=1)
        wide = torch.tanh(convolved(read, weights["wide"], weights["wide_bias"]))
        narrow = convolved(wide, weights["narrow"], weights["narrow_bias"])
        widened = torch.tanh(convolved(narrow, weights["widen"], weights["widen_bias"]))
        return convolved(widened, weights["say"], weights["level"])
