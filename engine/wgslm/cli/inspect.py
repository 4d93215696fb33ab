"""`wgslm inspect`: what a file's header says. Reads no weights."""

import asyncio
import math
from argparse import Namespace
from array import array
from collections import Counter
from collections.abc import Sequence

from wgslm.cli.loading import opened
from wgslm.cli.terminal import count, size, table, write_json
from wgslm.errors import WgslmError
from wgslm.gguf import Directory, TensorInfo, Value
from wgslm.gpu import DEFAULT_LIMITS
from wgslm.header import recommended
from wgslm.models import read_model
from wgslm.plan.tensors import Tensors
from wgslm.sources import ByteSource
from wgslm.text import load_tokenizer
from wgslm.words import make_template

SHOWN = 60  # characters of a value in the table


def inspect(args: Namespace) -> None:
    """Print metadata and tensors, as tables or as JSON."""
    asyncio.run(_inspect(args))


async def _inspect(args: Namespace) -> None:
    async with opened(args.model) as (parts, directory):
        why = _refusal(directory)
    if args.json:
        write_json(_facts(parts, directory, why))
        return
    print(table(_summary(parts, directory, why)))
    rows: list[tuple[object, ...]] = [("METADATA", "")]
    rows += [(key, _brief(value)) for key, value in directory.metadata.items()]
    print(f"\n{table(rows)}")
    tensors = [_row(info) for info in directory.tensors.values()]
    print("\n" + table([("TENSOR", "SHAPE", "TYPE", "BYTES"), *tensors], right=[3]))


def _refusal(directory: Directory) -> str:
    """Return why this version cannot run the file, or nothing."""
    try:
        model = read_model(directory, None)
        recommended(directory)
        model.record(Tensors(directory.tensors, DEFAULT_LIMITS.binding_nbytes))
        make_template(directory, load_tokenizer(directory.metadata))
    except WgslmError as error:
        return str(error)
    return ""


def _summary(
    parts: Sequence[ByteSource], directory: Directory, why: str
) -> list[tuple[object, ...]]:
    tensors = directory.tensors.values()
    quants = _quants(directory).most_common()
    return [
        *(("file", f"{part.name}, {size(part.size)}") for part in parts),
        ("format", f"GGUF {directory.version}, aligned to {directory.alignment}"),
        ("architecture", directory.metadata.get("general.architecture", "none")),
        ("parameters", count(_parameters(directory))),
        ("weights", f"{len(tensors)} tensors, {size(sum(info.nbytes for info in tensors))}"),
        ("quants", ", ".join(f"{label} {size(nbytes)}" for label, nbytes in quants) or "none"),
        ("supported", f"no: {why}" if why else "yes"),
    ]


def _facts(parts: Sequence[ByteSource], directory: Directory, why: str) -> dict[str, object]:
    return {
        "files": [
            {"name": part.name, "nbytes": part.size, "identity": part.identity} for part in parts
        ],
        "version": directory.version,
        "alignment": directory.alignment,
        "architecture": directory.metadata.get("general.architecture"),
        "parameters": _parameters(directory),
        "nbytes": sum(info.nbytes for info in directory.tensors.values()),
        "quants": dict(_quants(directory).most_common()),
        "supported": not why,
        "why": why or None,
        "metadata": {key: _plain(value) for key, value in directory.metadata.items()},
        "tensors": [
            {
                "name": info.name,
                "shape": info.shape,
                "type": info.quant.label,
                "nbytes": info.nbytes,
                "file": info.part,
                "start": info.start,
            }
            for info in directory.tensors.values()
        ],
    }


def _quants(directory: Directory) -> Counter[str]:
    """Return the bytes of each format."""
    nbytes: Counter[str] = Counter()
    for info in directory.tensors.values():
        nbytes[info.quant.label] += info.nbytes
    return nbytes


def _parameters(directory: Directory) -> int:
    return sum(info.row * info.rows for info in directory.tensors.values())


def _row(info: TensorInfo) -> tuple[object, ...]:
    return info.name, " x ".join(map(str, info.shape)), info.quant.label, f"{info.nbytes:,}"


def _brief(value: Value) -> str:
    """Return a value on one line: strings cut, arrays by their length and first elements."""
    if isinstance(value, str):
        return value if len(value) <= SHOWN else f"{value[:SHOWN]}... ({len(value):,} characters)"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return _element(value)
    first = ", ".join(_element(element) for element in value[:6])
    rest = f", ... ({len(value):,})" if len(value) > 6 else ""
    return f"[{first}{rest}]"


def _element(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else repr(value)


def _plain(value: Value) -> object:
    """Return a value for JSON, which has no word for numbers that are not finite: their names."""
    if isinstance(value, array):
        return [_plain(element) for element in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
