"""Our Muon in f32 against PyTorch's, which orthogonalises in bf16."""

from collections.abc import Callable

import pytest

pytest.importorskip("torch", reason="training needs the optional dependency group `train`")

import torch

from demo.train.muon import Muon

Make = Callable[[list[torch.Tensor]], torch.optim.Optimizer]
SHAPES = [(48, 32), (32, 48), (40, 40)]
STEPS = 3


def train(make: Make, shape: tuple[int, int]) -> torch.Tensor:
    """Return a matrix after a few steps with the same gradients."""
    chance = torch.Generator().manual_seed(7)
    matrix = torch.randn(shape, generator=chance).requires_grad_()
    optimiser = make([matrix])
    for _ in range(STEPS):
        matrix.grad = torch.randn(shape, generator=chance)
        optimiser.step()
    return matrix.detach()


@pytest.mark.parametrize("shape", SHAPES)
def test_steps_are_those_of_pytorch_up_to_bf16(shape: tuple[int, int]) -> None:
    ours = train(lambda matrices: Muon(matrices, 0.01, 0.05, torch.float32), shape)
    theirs = train(
        lambda matrices: torch.optim.Muon(
            matrices, lr=0.01, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"
        ),
        shape,
    )
    start = train(lambda matrices: torch.optim.SGD(matrices, lr=0.0), shape)

    moved = (theirs - start).norm()
    # bf16 keeps 8 bits, and five iterations of Newton-Schulz amplify what it rounds.
    assert (ours - theirs).norm() < 0.05 * moved
