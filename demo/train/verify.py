"""Compare an exported file, run in NumPy, with the checkpoint it came from, run in PyTorch."""

from pathlib import Path

import torch

from demo.train.model import forward, rope_table
from demo.train.training import Snapshot
from demo.train.twin import NumpyLlama


def verify(snapshot: Snapshot, path: Path, length: int = 40) -> float:
    """Return the largest difference between the file's logits in NumPy and in PyTorch.

    PyTorch gets the file's dequantised weights, by name; what is compared is the arithmetic and
    the layout, not the quantisation.
    """
    model, config = NumpyLlama(path), snapshot.config
    if set(model.weights) != set(snapshot.parameters):
        raise ValueError(f"{path.name} and the checkpoint hold different tensors")
    weights = {name: torch.from_numpy(value) for name, value in model.weights.items()}
    for name, value in snapshot.parameters.items():
        # Q8_0 rounds to 1/254 of the largest weight of a block.
        if not torch.allclose(weights[name], value.double(), atol=float(value.abs().max()) / 200):
            raise ValueError(f"{name!r} of {path.name} is not the checkpoint's")
    ids = [(7 * at * at + 3) % config.vocab for at in range(length)]
    table = rope_table(config, torch.device("cpu"))
    with torch.no_grad():
        theirs = forward(config, weights, torch.tensor([ids]), table)[0].numpy()
    return float(abs(model.logits(ids) - theirs).max())
