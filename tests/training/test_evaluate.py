"""The judge of the demo model, judged."""

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="evaluation needs the optional dependency group `train`")
pytest.importorskip(
    "sentencepiece", reason="evaluation needs the optional dependency group `train`"
)

import numpy as np
import torch

from demo.train import evaluate
from demo.train.conversation import assistant, user
from demo.train.model import Cache
from demo.train.player import Player, Reply, Sampling
from demo.train.twin import NumpyLlama

MODEL = Path(__file__).parents[2] / "demo" / "model" / "wgslm-demo.q8_0.gguf"


@pytest.fixture(scope="module")
def player() -> Player:
    return Player(MODEL)


def test_a_player_computes_what_the_numpy_twin_computes(player: Player) -> None:
    twin = NumpyLlama(MODEL)
    ids = player.prompt((user("Hello!"),), answer=True)
    bos = twin.fields["tokenizer.ggml.bos_token_id"]

    logits = player.logits(ids)

    assert np.abs(logits.numpy() - twin.logits([bos, *ids])[1:]).max() < 1e-3


def test_a_cache_changes_nothing(player: Player) -> None:
    ids = player.prompt((user("Tell me a story about a cat."),), answer=True)
    cache: Cache = {}

    parts = torch.cat([player.logits(ids[at : at + 5], cache) for at in range(0, len(ids), 5)])

    assert torch.allclose(parts, player.logits(ids), atol=1e-3)


def test_bits_count_only_the_words(player: Player) -> None:
    talk = (user("Hello!"), assistant("Hi! How can I help you?"))

    bits, nbytes = player.bits(talk)

    assert nbytes == len("Hello!") + len("Hi! How can I help you?")
    assert 0 < bits < 8 * nbytes


def test_greedy_answers_repeat(player: Player) -> None:
    asked = (user("What is wgslm?"),)

    replies = {player.reply(asked, evaluate.GREEDY, seed).text for seed in (1, 2)}

    assert len(replies) == 1


def test_sampling_keeps_to_the_likely_ids() -> None:
    logits = np.log(np.array([0.5, 0.3, 0.15, 0.04, 0.01]))
    chance = np.random.default_rng(1)

    picked = {Sampling(1.0, 40, 0.9, 0.05).pick(logits, chance) for _ in range(300)}

    assert picked == {0, 1, 2}


def test_repetition_is_seen() -> None:
    once = Reply("one two three four five", True)
    loop = Reply("so it is " * 20, True)

    assert evaluate.distinct([once]) == 1
    assert evaluate.distinct([loop]) < 0.1


def test_there_are_forty_free_prompts() -> None:
    prompts = evaluate.free_prompts()

    assert len(prompts) == len(set(prompts)) == 40
    assert all(prompt.strip() for prompt in prompts)
