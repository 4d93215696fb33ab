"""The training loop: Muon for the layers' matrices, AdamW for the rest, checkpoints, a log.

Everything that decides the result is in `Recipe` and in the checkpoint, so a run that was killed
goes on where it was.
"""

import csv
import itertools
import math
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch.nn import functional

from demo.train.dataset import Batch, Source, batches
from demo.train.model import Config, Parameters, head, initialise, rope_table, states
from demo.train.muon import Muon
from demo.train.plot import plot

CHECKPOINT = "checkpoint.pt"
LOG = "log.csv"
PICTURE = "loss.png"


@dataclass(frozen=True)
class Recipe:
    """What a run does."""

    steps: int
    mix: Mapping[str, float]
    tokens: int = 4096  # ids per step
    seed: int = 1
    matrix_rate: float = 3e-3
    embedding_rate: float = 2e-3
    weight_decay: float = 0.05
    dropout: float = 0.0
    peak: float = 1.0  # of the rates: less for a short run from a trained model
    warmup: int = 50
    decay: float = 0.7  # the share of the run, its end, in which the rate falls to zero
    average: float = 0.99  # of the exponential moving average that is exported
    facts: int = 0  # answers of the guide to tell apart; 0: that is not trained
    fact_weight: float = 1.0  # of that in the loss
    save_every: int = 50  # steps

    def rate(self, step: int) -> float:
        """Return the factor on the learning rates at a step."""
        warm = min(1.0, (step + 1) / self.warmup)
        left = (self.steps - step) / max(1.0, self.decay * self.steps)
        return self.peak * min(warm, 1.0, max(left, 0.0))


@dataclass(frozen=True)
class Snapshot:
    """A checkpoint as the exporter and the evaluation need it."""

    config: Config
    step: int
    parameters: Parameters  # the moving average


# ids, targets, weights, documents, each [B, T]
Inputs = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def fast_precision(device: torch.device) -> torch.dtype:
    """Return bf16 where the device computes products of it, else f32.

    A CPU without them (AVX2 only) emulates bf16 at an eighth of its f32 speed.
    """
    if device.type != "cpu" or torch.cpu._is_avx512_bf16_supported():
        return torch.bfloat16
    return torch.float32


def blocks(
    config: Config,
    parameters: Parameters,
    ids: torch.Tensor,
    documents: torch.Tensor,
    table: tuple[torch.Tensor, torch.Tensor],
    dropout: float = 0.0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what enters the last block and what leaves it, in the fast precision."""
    precision = fast_precision(ids.device)
    with torch.autocast(ids.device.type, torch.bfloat16, precision == torch.bfloat16):
        return states(config, parameters, ids, table, dropout, documents=documents)


def text_loss(
    config: Config,
    parameters: Parameters,
    x: torch.Tensor,
    targets: torch.Tensor,
    weights: torch.Tensor,
) -> torch.Tensor:
    """Return the mean loss of the targets by their weights, for what leaves the last block.

    The head, a quarter of the products, is computed only where a weight asks for it.
    """
    at = weights.flatten().nonzero().flatten()
    with torch.autocast(x.device.type, torch.bfloat16, x.dtype == torch.bfloat16):
        logits = head(config, parameters, x.flatten(0, 1)[at])
    each = functional.cross_entropy(logits.float(), targets.flatten()[at], reduction="none")
    chosen = weights.flatten()[at]
    return (each * chosen).sum() / chosen.sum()


def fact_loss(matrix: torch.Tensor, x: torch.Tensor, facts: torch.Tensor) -> torch.Tensor:
    """Return the mean loss of naming the answer that comes next, from what enters the last block.

    x [B, T, dim], matrix [facts + 1, dim], facts [B, T]. Which of hundreds of answers a question
    wants is hard to learn from the few ids that tell the answers apart; named at once, before the
    last block's keys and values are made of it, every id of the answer can look it up.
    """
    at = facts.flatten().nonzero().flatten()
    x = x.flatten(0, 1)[at].float()
    # Small, so that a step of AdamW on the matrix changes what it says by little.
    x = x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) / 8
    return functional.cross_entropy(functional.linear(x, matrix), facts.flatten()[at])


class Trainer:
    """A model, its optimisers and its place in the run."""

    def __init__(
        self,
        config: Config,
        recipe: Recipe,
        folder: Path,
        *,
        compiled: bool = False,
        start: Parameters | None = None,
    ) -> None:
        """Start afresh, or with parameters; from the folder's checkpoint if it has one."""
        self._blocks = torch.compile(blocks, dynamic=False) if compiled else blocks
        self.config, self.recipe, self.folder = config, recipe, folder
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(recipe.seed)
        fresh = initialise(config, recipe.seed) if start is None else start
        self.parameters = {
            name: value.to(self.device).requires_grad_() for name, value in fresh.items()
        }
        # Only of use while training, and so no part of the model.
        facts = torch.zeros(recipe.facts + 1, config.dim)
        self.facts = facts.to(self.device).requires_grad_()
        self.average = {name: value.detach().clone() for name, value in self.parameters.items()}
        self.optimisers = self._make_optimisers()
        self.table = rope_table(config, self.device)
        self.step = 0
        if (folder / CHECKPOINT).exists():
            self._resume()

    def run(self, sources: Mapping[str, Source], validation: Mapping[str, Source]) -> None:
        """Train to the recipe's last step, saving and validating every `save_every` steps."""
        recipe = self.recipe
        stream = batches(sources, recipe.mix, recipe.tokens, recipe.seed)
        began, first = time.monotonic(), self.step
        seen: list[tuple[float, float]] = []
        for batch in itertools.islice(stream, self.step, recipe.steps):
            seen.append(self._train(batch))
            self.step += 1
            if self.step % recipe.save_every == 0 or self.step == recipe.steps:
                speed = (self.step - first) * recipe.tokens / (time.monotonic() - began)
                self._report(seen, speed, validation)
                self._save()
                seen = []

    def validate(self, source: Source) -> float:
        """Return the moving average's mean weighted loss on a source, in nats per id."""
        total = weight = 0.0
        for batch in itertools.islice(batches({"": source}, {"": 1.0}, 4096, 0), 2):
            with torch.no_grad():
                ids, targets, weights, documents = self._on_device(batch)
                _, x = blocks(self.config, self.average, ids, documents, self.table)
                loss = text_loss(self.config, self.average, x, targets, weights)
                total += float(loss) * float(batch.weights.sum())
            weight += float(batch.weights.sum())
        return total / weight

    def _train(self, batch: Batch) -> tuple[float, float]:
        """Take one step; return its loss and the part of naming answers (0 of none)."""
        ids, targets, weights, documents = self._on_device(batch)
        before_last, x = self._blocks(
            self.config, self.parameters, ids, documents, self.table, self.recipe.dropout
        )
        loss = text_loss(self.config, self.parameters, x, targets, weights)
        facts = torch.from_numpy(batch.facts).to(self.device)
        named = torch.zeros(())
        if self.recipe.facts and facts.any():
            named = fact_loss(self.facts, before_last, facts)
        torch.autograd.backward(loss + self.recipe.fact_weight * named)
        torch.nn.utils.clip_grad_norm_(self.parameters.values(), 1.0)
        for optimiser, rate in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate * self.recipe.rate(self.step)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        # A young average must not remember the random start.
        keep = min(self.recipe.average, (self.step + 1) / (self.step + 10))
        for name, value in self.parameters.items():
            self.average[name].lerp_(value.detach(), 1 - keep)
        return float(loss.detach()), float(named.detach())

    def _on_device(self, batch: Batch) -> Inputs:
        ids, targets, weights, documents = (
            torch.from_numpy(part).to(self.device)
            for part in (batch.ids, batch.targets, batch.weights, batch.documents)
        )
        return ids, targets, weights, documents

    def _make_optimisers(self) -> list[tuple[torch.optim.Optimizer, float]]:
        recipe = self.recipe
        names = self.config.matrices()
        matrices = [self.parameters[name] for name in names]
        rest = [value for name, value in self.parameters.items() if name not in names]
        rest.append(self.facts)
        return [
            (
                Muon(
                    matrices,
                    lr=recipe.matrix_rate,
                    weight_decay=recipe.weight_decay,
                    precision=fast_precision(self.device),
                ),
                recipe.matrix_rate,
            ),
            (
                torch.optim.AdamW(
                    rest, lr=recipe.embedding_rate, betas=(0.9, 0.95), weight_decay=0.0
                ),
                recipe.embedding_rate,
            ),
        ]

    def _report(
        self,
        seen: Sequence[tuple[float, float]],
        speed: float,
        validation: Mapping[str, Source],
    ) -> None:
        loss, named = (sum(part) / len(seen) for part in zip(*seen, strict=True))
        row: dict[str, float] = {"step": self.step, "loss": loss, "ids_per_s": speed}
        row["naming"] = named
        row.update({name: self.validate(source) for name, source in validation.items()})
        path = self.folder / LOG
        fresh = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if fresh:
                writer.writerow(row)
            writer.writerow([f"{value:.5g}" for value in row.values()])
        plot(path, self.folder / PICTURE)
        print("  ".join(f"{name} {value:.4g}" for name, value in row.items()), flush=True)

    def _save(self) -> None:
        state = {
            "config": asdict(self.config),
            "step": self.step,
            "parameters": {name: value.detach() for name, value in self.parameters.items()},
            "average": self.average,
            "facts": self.facts.detach(),
            "optimisers": [optimiser.state_dict() for optimiser, _ in self.optimisers],
            "chance": torch.get_rng_state(),
        }
        partial = self.folder / (CHECKPOINT + ".partial")
        torch.save(state, partial)
        os.replace(partial, self.folder / CHECKPOINT)

    def _resume(self) -> None:
        state = torch.load(self.folder / CHECKPOINT, map_location="cpu", weights_only=True)
        found = Config(**state["config"])
        assert found == self.config, f"the checkpoint is of {found}, the run of {self.config}"
        self.step = int(state["step"])
        with torch.no_grad():
            self.facts.copy_(state["facts"])
            for name, value in self.parameters.items():
                value.copy_(state["parameters"][name])
                self.average[name].copy_(state["average"][name])
        for (optimiser, _), saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        torch.set_rng_state(state["chance"])


def load_snapshot(path: Path) -> Snapshot:
    """Read the moving average out of a checkpoint."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    return Snapshot(Config(**state["config"]), int(state["step"]), state["average"])


def averaged(snapshots: Sequence[tuple[float, Snapshot]]) -> Snapshot:
    """Average models that went on from one another (Wortsman et al. 2022, "Model soups").

    Each has a share of the weights; together they are 1. The rest is the first one's.
    """
    total = sum(share for share, _ in snapshots)
    if not math.isclose(total, 1.0, abs_tol=1e-6):
        raise ValueError(f"the shares add up to {total:g}; they must to 1")
    first = snapshots[0][1]
    parameters = {
        name: sum((share * one.parameters[name] for share, one in snapshots), torch.zeros(()))
        for name in first.parameters
    }
    return replace(first, parameters=parameters)


def parameter_count(parameters: Iterable[torch.Tensor]) -> int:
    """Count the numbers in a model."""
    return sum(value.numel() for value in parameters)
