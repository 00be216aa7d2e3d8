"""PyTorch, where it is installed: loaded when first needed, its tensors made of plain arrays.

A network here is a function of named weights, no pickled object: weights begin as NumPy arrays
drawn by a seed, and end as NumPy arrays in a stored model.
"""

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from semantic_layer.errors import InputError
from tasks.anomaly.arrays import Floats
from tasks.anomaly.families.rebuilt import ByDigest, by_digest
from tasks.stored_models import Array, StoredModel

Tensor: TypeAlias = Any
Weights: TypeAlias = Mapping[str, Tensor]
Torch: TypeAlias = Any

WEIGHT = "weight."
"""Before the names of a network's weights among a model's arrays."""

_MODELS_KEPT = 32


def torch_module() -> Torch:
    """Return the module `torch`.

    Raises:
        InputError: it is not installed.
    """
    try:
        return importlib.import_module("torch")
    except ImportError as error:
        raise InputError(
            "Neural families need PyTorch, which is not installed here. Install the extra: "
            "pip install 'anops[deep]', or choose families without it."
        ) from error


def device() -> Tensor:
    """Return the first GPU, or the CPU where there is none."""
    torch = torch_module()
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@contextmanager
def repeatable(threads: int) -> Iterator[None]:
    """Compute with so many CPU threads and only with operations that repeat exactly on a CPU.

    What the process had set before is set again after. On a GPU sums may be taken in any order,
    so that results there differ from run to run in their last digits.
    """
    torch = torch_module()
    had = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(device().type == "cpu")
    try:
        yield
    finally:
        torch.set_num_threads(had[0])
        torch.use_deterministic_algorithms(had[1])


def tensor(values: Array) -> Tensor:
    """Return values on the device, as Float32."""
    torch = torch_module()
    return torch.from_numpy(np.array(values, np.float32)).to(device())


def array(values: Tensor) -> Floats:
    """Return a tensor as a Float32 array."""
    return np.asarray(values.detach().cpu().numpy(), np.float32)


def stored_weights(model: StoredModel) -> Weights:
    """Return the weights of a stored network on the device, rebuilt once in a process."""
    return _rebuilt(by_digest(model))


@lru_cache(maxsize=_MODELS_KEPT)
def _rebuilt(key: ByDigest) -> Weights:
    return {
        name.removeprefix(WEIGHT): tensor(values)
        for name, values in key.model.arrays.items()
        if name.startswith(WEIGHT)
    }
