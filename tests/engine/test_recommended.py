"""How a file's makers recommend to sample it."""

import pytest

from memory_source import read
from tiny_gguf import gguf_bytes
from wgslm.errors import GgufError
from wgslm.header import recommended
from wgslm.sampling import Sampling


def test_a_file_recommends_how_to_sample() -> None:
    keys = {"temp": 0.25, "top_k": 7, "penalty_repeat": 1.5, "penalty_last_n": -1}
    directory = read(gguf_bytes({f"general.sampling.{key}": keys[key] for key in keys}))

    assert recommended(directory) == Sampling(0.25, 7, repeat_penalty=1.5, repeat_last_n=-1)


def test_a_file_recommends_mirostat_or_xtc() -> None:
    mirostat = {"mirostat": 2, "mirostat_tau": 4.0, "mirostat_eta": 0.25}
    xtc = {"xtc_probability": 0.5, "xtc_threshold": 0.25}

    for keys in (mirostat, xtc):
        directory = read(gguf_bytes({f"general.sampling.{key}": keys[key] for key in keys}))
        assert recommended(directory) == Sampling(**keys)  # type: ignore[arg-type]


def test_a_recommendation_that_cannot_be_is_refused() -> None:
    for key, value in {"temp": -1.0, "top_k": 0.5, "min_p": 2.0}.items():
        directory = read(gguf_bytes({f"general.sampling.{key}": value}))
        with pytest.raises(GgufError, match=key):
            recommended(directory)


def test_a_recommendation_that_nothing_follows_is_named() -> None:
    directory = read(gguf_bytes({"general.sampling.sequence": "kt", "general.sampling.temp": 1.0}))
    recommended(directory)

    assert directory.unread() == ["general.sampling.sequence"]
