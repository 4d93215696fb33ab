"""`python -m demo.train STEP`: prepare, train, export, verify, evaluate, in this order; quants.

Every step reads and writes files of one run folder and can be started again.
"""

import argparse
import os
from pathlib import Path

import torch
from gguf import GGMLQuantizationType as Type

from demo.train.evaluate import compare, evaluate
from demo.train.export import export, read_parameters
from demo.train.model import Config
from demo.train.prepare import VOCABULARY, load_sources, prepare
from demo.train.tokenizer import Vocabulary
from demo.train.training import CHECKPOINT, Recipe, Snapshot, Trainer, averaged, load_snapshot
from demo.train.verify import verify

STEPS = ("prepare", "train", "export", "verify", "evaluate", "quants")
QUANTS = ("Q8_0", "Q5_1", "Q5_0", "Q4_1", "Q4_0")  # what the gguf package can write
MODEL = Path(__file__).parents[1] / "model" / "wgslm-demo.q8_0.gguf"
# Shares of the ids. SGD is most of the bytes and all booking talk: a quarter at the most.
MIX = ("guide=0.63", "stories=0.2", "sgd=0.12", "tm4=0.05")


def main() -> None:
    """Run the step that the command line names."""
    arguments = _parser().parse_args()
    run: Path = arguments.run
    torch.set_num_threads(arguments.threads)
    if arguments.step == "prepare":
        prepare(_corpora(), run, arguments.vocabulary, arguments.seed)
    elif arguments.step == "train":
        _train(run, arguments)
    elif arguments.step == "export":
        vocabulary = Vocabulary.load(run / VOCABULARY)
        quant = Type[arguments.quant]
        nbytes = export(_snapshot(run, arguments.average), vocabulary, arguments.model, quant)
        print(f"{arguments.model}: {nbytes} bytes")
    elif arguments.step == "quants":
        _compare_quants(run)
    elif arguments.step == "evaluate":
        evaluate([arguments.model, *arguments.beside], _corpora(), run)
    else:
        worst = verify(_snapshot(run, arguments.average), arguments.model)
        print(f"logits of NumPy from the file and of PyTorch differ by at most {worst:.2e}")


def _snapshot(run: Path, others: list[str]) -> Snapshot:
    """Return the newest weights of a run, or their average with those of `others`, RUN=SHARE."""
    shares = {Path(path): float(share) for path, share in (one.split("=") for one in others)}
    parts = [(1 - sum(shares.values()), run), *((share, path) for path, share in shares.items())]
    return averaged([(share, load_snapshot(path / CHECKPOINT)) for share, path in parts])


def _compare_quants(run: Path) -> None:
    snapshot, vocabulary = load_snapshot(run / CHECKPOINT), Vocabulary.load(run / VOCABULARY)
    paths = {run / f"{name}.gguf": Type[name] for name in QUANTS}
    for path, quant in paths.items():
        export(snapshot, vocabulary, path, quant)
    compare(list(paths), _corpora())


def _train(run: Path, arguments: argparse.Namespace) -> None:
    shape = dict(one.split("=") for one in arguments.shape)
    config = Config(
        Vocabulary.load(run / VOCABULARY).size, **{name: int(n) for name, n in shape.items()}
    )
    sources = load_sources(run, "train")
    recipe = Recipe(
        arguments.steps,
        {name: float(share) for name, share in (one.split("=") for one in arguments.mix)},
        tokens=arguments.tokens,
        seed=arguments.seed,
        dropout=arguments.dropout,
        peak=arguments.peak,
        fact_weight=arguments.naming,
        facts=max(int(source.facts.max(initial=0)) for source in sources.values()),
    )
    start = None
    if arguments.start is not None:
        start = read_parameters(arguments.start, Vocabulary.load(run / VOCABULARY))
    trainer = Trainer(config, recipe, run, compiled=arguments.compile, start=start)
    trainer.run(sources, load_sources(run, "valid"))


def _corpora() -> Path:
    data = os.environ.get("WGSLM_REFERENCE_DATA")
    if data is None:
        raise SystemExit("WGSLM_REFERENCE_DATA is not set; it names the folder with corpora/")
    return Path(data) / "corpora"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m demo.train", description=__doc__)
    parser.add_argument("step", choices=STEPS)
    parser.add_argument("--run", type=Path, default=Path(".cache/train"), help="the run's folder")
    parser.add_argument("--model", type=Path, default=MODEL, help="the GGUF file")
    parser.add_argument("--beside", type=Path, nargs="*", default=[], help="files to compare with")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--start", type=Path, help="a GGUF file to go on from, not from nothing")
    parser.add_argument("--tokens", type=int, default=4096, help="ids per step")
    parser.add_argument("--vocabulary", type=int, default=4096, help="tokens, specials included")
    parser.add_argument("--mix", nargs="*", default=MIX, help="share of the ids by source")
    parser.add_argument(
        "--shape", nargs="*", default=[], help="other than Config's: dim=320 ff=640"
    )
    parser.add_argument("--peak", type=float, default=1.0, help="share of the learning rates")
    parser.add_argument("--naming", type=float, default=1.0, help="weight of telling facts apart")
    parser.add_argument("--average", nargs="*", default=[], help="other runs: RUN=SHARE of each")
    parser.add_argument("--quant", choices=QUANTS, default="Q8_0", help="of the exported file")
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--compile", action="store_true", help="1.3 times faster, after minutes")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    return parser


if __name__ == "__main__":
    main()
