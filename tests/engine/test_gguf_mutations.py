"""Hostile headers: mutated, truncated, or with huge claims; the error comes at once."""

import random
import struct
import time
import tracemalloc
from collections.abc import Callable

import numpy as np

from memory_source import read
from tiny_gguf import SAMPLE, Tensor, gguf_bytes
from wgslm.errors import GgufError, UnsupportedError

SMALL = gguf_bytes(
    {key: value for key, value in SAMPLE.items() if key != "strings"}
    | {"general.alignment": 32, "strings": ["a", "bc", ""]},
    {
        "token_embd.weight": np.zeros((3, 32), np.float32),
        "blk.0.weight": Tensor((32, 2), bytes(2 * 34), 8),
        "norm": np.zeros(5, np.float32),
    },
)
EVIL = [0, 1, 2, 3, 5, 8, 9, 31, 63, 64, 255, 1 << 16, (1 << 31) - 1, 1 << 31, (1 << 32) - 1,
        1 << 40, (1 << 63) - 1, 1 << 63, (1 << 64) - 1]  # fmt: skip


def replace_integer(data: bytearray, rng: random.Random) -> None:
    form = rng.choice(["<Q", "<I", "<H", "<B"])
    at = rng.randrange(len(data) - 8)
    struct.pack_into(form, data, at, rng.choice(EVIL) & ((1 << 8 * struct.calcsize(form)) - 1))


def flip_bits(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.randrange(1, 9)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def copy_range(data: bytearray, rng: random.Random) -> None:
    at, to, n = rng.randrange(len(data)), rng.randrange(len(data)), rng.randrange(1, 80)
    data[to:to] = data[at : at + n]


def delete_range(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    del data[at : at + rng.randrange(1, 80)]


MUTATIONS: list[Callable[[bytearray, random.Random], None]] = [
    replace_integer,
    replace_integer,
    flip_bits,
    copy_range,
    delete_range,
]


def test_mutations_are_read_or_refused_and_nothing_else() -> None:
    rng = random.Random(2)
    outcomes = {"read": 0, "refused": 0}
    slowest = 0.0
    tracemalloc.start()

    for _ in range(3000):
        data = bytearray(SMALL)
        for _ in range(rng.randrange(1, 4)):
            rng.choice(MUTATIONS)(data, rng)
        started = time.perf_counter()
        try:
            directory = read(bytes(data))
        except (GgufError, UnsupportedError):
            outcomes["refused"] += 1
        else:
            outcomes["read"] += 1
            for info in directory.tensors.values():
                assert 0 < info.start < info.start + info.nbytes <= len(data)
        slowest = max(slowest, time.perf_counter() - started)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert min(outcomes.values()) > 200  # the mutations reach both sides
    assert slowest < 1
    assert peak < 8 << 20
