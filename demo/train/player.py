"""A GGUF file that talks: the engine's tokenizer and the file's template, arithmetic in PyTorch.

It plays `llama` and `gpt2` files, so that the demo model and TinyTalk can be judged side by side.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import gguf
import jinja2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from demo.train.conversation import Conversation, Turn
from demo.train.model import Cache, Config, Parameters, forward, remember, rope_table
from wgslm.text import load_tokenizer


@dataclass(frozen=True)
class Sampling:
    """How tokens are picked; a temperature of 0 takes the likeliest."""

    temperature: float = 0.8
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05

    def pick(self, logits: NDArray[np.float64], chance: np.random.Generator) -> int:
        """Return one id."""
        if self.temperature == 0:
            return int(logits.argmax())
        order = np.argsort(-logits)[: self.top_k]
        odds = np.exp((logits[order] - logits[order[0]]) / self.temperature)
        odds /= odds.sum()
        keep = (np.cumsum(odds) - odds < self.top_p) & (odds >= self.min_p * odds[0])
        return int(chance.choice(order[keep], p=odds[keep] / odds[keep].sum()))


@dataclass(frozen=True)
class Reply:
    """What was answered, and whether the model ended it by itself."""

    text: str
    ended: bool


class Player:
    """One file, ready to be asked and measured."""

    def __init__(self, path: Path) -> None:
        """Read a file of either architecture."""
        reader = gguf.GGUFReader(path)
        self.name = path.name
        self.fields = {name: field.contents() for name, field in reader.fields.items()}
        self.weights: Parameters = {
            str(tensor.name): torch.from_numpy(
                np.array(gguf.quants.dequantize(tensor.data, tensor.tensor_type), np.float32)
            )
            for tensor in reader.tensors
        }
        self.tokenizer = load_tokenizer(self.fields)
        self.template = jinja2.Environment().from_string(self.fields["tokenizer.chat_template"])
        self.sampling = Sampling(float(self.fields.get("general.sampling.temp", 0.8)))
        self.end = int(self.fields["tokenizer.ggml.eos_token_id"])
        self.architecture = str(self.fields["general.architecture"])
        self.context = int(self.fields[f"{self.architecture}.context_length"])

    def prompt(self, conversation: Sequence[Turn], *, answer: bool) -> list[int]:
        """Encode a conversation in the file's template; with `answer`, up to the answer's start."""
        messages = [{"role": turn.role, "content": turn.text} for turn in conversation]
        text = self.template.render(messages=messages, add_generation_prompt=answer)
        return self.tokenizer.encode(text, bos=False, specials=True)

    def logits(self, ids: Sequence[int], cache: Cache | None = None) -> torch.Tensor:
        """Return the logits of every position, f32 [T, vocab], for ids that follow the cache."""
        if not cache and self.fields.get("tokenizer.ggml.add_bos_token", False):
            return self._forward([int(self.fields["tokenizer.ggml.bos_token_id"]), *ids], cache)[1:]
        return self._forward(ids, cache)

    def reply(
        self, conversation: Conversation, sampling: Sampling, seed: int, most: int = 250
    ) -> Reply:
        """Answer a conversation with at most `most` ids."""
        chance = np.random.default_rng(seed)
        prompt = self.prompt(conversation, answer=True)
        said: list[int] = []
        cache: Cache = {}
        for _ in range(min(most, self.context - len(prompt) - 2)):
            logits = self.logits(said[-1:] or prompt, cache)[-1].double().numpy()
            said.append(sampling.pick(logits, chance))
            if said[-1] == self.end:
                return Reply(self.tokenizer.decode(said[:-1]).strip(), True)
        return Reply(self.tokenizer.decode(said).strip(), False)

    def bits(self, conversation: Conversation) -> tuple[float, int]:
        """Return the bits that the turns' words cost, and their bytes; scaffolding is free."""
        ids = self.prompt(conversation, answer=False)
        pieces = [self.tokenizer.piece(id, specials=True) for id in ids]
        text = b"".join(pieces)
        counted, at = np.zeros(len(text), bool), 0
        for turn in conversation:
            words = turn.text.encode()
            at = text.index(words, at)
            counted[at : at + len(words)] = True
            at += len(words)
        stops = np.cumsum([len(piece) for piece in pieces])
        kept = [bool(counted[start:stop].any()) for start, stop in itertools.pairwise(stops)]
        targets = torch.tensor(ids[1:])
        costs = functional.cross_entropy(self.logits(ids)[:-1], targets, reduction="none")
        return float(costs[torch.tensor(kept)].sum()) / float(np.log(2)), int(counted.sum())

    def _forward(self, ids: Sequence[int], cache: Cache | None) -> torch.Tensor:
        cache = {} if cache is None else cache
        with torch.no_grad():
            if self.architecture == "gpt2":
                return _gpt2(self.fields, self.weights, torch.tensor(ids), cache)
            config = _config(self.fields)
            table = rope_table(config, torch.device("cpu"))
            return forward(config, self.weights, torch.tensor([ids]), table, cache=cache)[0]


def _config(fields: Mapping[str, object]) -> Config:
    def number(key: str) -> int:
        return int(str(fields[f"llama.{key}"]))

    return Config(
        number("vocab_size"),
        number("embedding_length"),
        number("block_count"),
        number("attention.head_count"),
        number("attention.head_count_kv"),
        number("feed_forward_length"),
        number("context_length"),
        float(str(fields["llama.rope.freq_base"])),
        float(str(fields["llama.attention.layer_norm_rms_epsilon"])),
    )


def _gpt2(
    fields: Mapping[str, object], w: Parameters, ids: torch.Tensor, cache: Cache
) -> torch.Tensor:
    """Return a GPT-2's logits, [T, vocab], for ids that follow the cache."""
    heads = int(str(fields["gpt2.attention.head_count"]))
    epsilon = float(str(fields["gpt2.attention.layer_norm_epsilon"]))

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        gain, bias = w[f"{name}.weight"], w[f"{name}.bias"]
        return functional.layer_norm(x, gain.shape, gain, bias, epsilon)

    def linear(x: torch.Tensor, name: str) -> torch.Tensor:
        return functional.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])

    past = cache["blk.0."][0].shape[-2] if cache else 0
    places = w["position_embd.weight"][past : past + len(ids)]
    x = w["token_embd.weight"][ids] + places  # [T, dim]
    for layer in range(int(str(fields["gpt2.block_count"]))):
        block = f"blk.{layer}."
        parts = linear(norm(x, block + "attn_norm"), block + "attn_qkv").chunk(3, -1)
        q, k, v = (part.view(len(ids), heads, -1).transpose(0, 1) for part in parts)  # [H, T, D]
        k, v = remember(cache, block, k, v)
        scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
        scores = scores + torch.full((len(ids), past + len(ids)), -1e30).triu(past + 1)
        o = (scores.softmax(-1) @ v).transpose(0, 1).reshape(x.shape)
        x = x + linear(o, block + "attn_output")
        h = functional.gelu(
            linear(norm(x, block + "ffn_norm"), block + "ffn_up"), approximate="tanh"
        )
        x = x + linear(h, block + "ffn_down")
    head = w.get("output.weight", w["token_embd.weight"])
    return functional.linear(norm(x, "output_norm"), head)
