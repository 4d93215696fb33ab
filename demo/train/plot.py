"""Draw a run's log: what was learnt, and when."""

import csv
from pathlib import Path

from matplotlib.figure import Figure

LABELS = {"loss": "training, mixed", "naming": "training, naming the answer"}


def plot(log: Path, picture: Path) -> None:
    """Draw the losses of a log over its steps, as a PNG."""
    with log.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    steps = [float(row["step"]) for row in rows]
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for name in rows[0]:
        if name not in ("step", "ids_per_s"):
            style = "--" if name in LABELS else "-"
            label = LABELS.get(name, f"validation, {name}")
            axes.plot(steps, [float(row[name]) for row in rows], style, label=label)
    axes.set_xlabel("step")
    axes.set_ylabel("nats per id")
    axes.set_yscale("log")
    axes.grid(alpha=0.3, which="both")
    axes.legend()
    figure.savefig(picture, dpi=110)
