"""Muon in the precision that the processor is fast in.

`torch.optim.Muon` orthogonalises in bf16 always, which a CPU without bf16 dot products emulates:
for a matrix of 384 x 640 that takes 1.05 s instead of 0.07, and there are 28 of about that size.
"""

from collections.abc import Iterable

import torch

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # https://kellerjordan.github.io/posts/muon/
ITERATIONS = 5


class Muon(torch.optim.Optimizer):  # type: ignore[misc]  # torch is no part of the checked .venv
    """Nesterov momentum whose update is made orthogonal; the rate means what AdamW's does."""

    def __init__(
        self,
        parameters: Iterable[torch.Tensor],
        lr: float,
        weight_decay: float,
        precision: torch.dtype,
        momentum: float = 0.95,
    ) -> None:
        """Optimise matrices; `precision` is what the orthogonalising is computed in."""
        self.precision = precision
        settings = {"lr": lr, "weight_decay": weight_decay, "momentum": momentum}
        super().__init__(parameters, settings)

    def step(self) -> None:
        """Take a step by the gradients."""
        with torch.no_grad():
            for group in self.param_groups:
                for matrix in group["params"]:
                    self._move(matrix, group["lr"], group["weight_decay"], group["momentum"])

    def _move(self, matrix: torch.Tensor, lr: float, weight_decay: float, momentum: float) -> None:
        mean = self.state[matrix].setdefault("momentum", torch.zeros_like(matrix))
        mean.lerp_(matrix.grad, 1 - momentum)
        update = matrix.grad.lerp(mean, momentum)
        matrix.mul_(1 - lr * weight_decay)
        # Matches the size of AdamW's updates (https://arxiv.org/abs/2502.16982).
        rate = lr * 0.2 * max(matrix.shape) ** 0.5
        matrix.add_(orthogonal(update.to(self.precision)).to(matrix.dtype), alpha=-rate)


def orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """Return about the nearest matrix with singular values near 1, by Newton-Schulz."""
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / x.norm().clamp(min=1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x
