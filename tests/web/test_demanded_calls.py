"""Demanded calls over HTTP from a real engine with random weights, in every format of calls."""

import asyncio
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from app_client import HOST, events_of
from demanded import RECORDED
from loaded import engine
from tiny_models import write_tiny
from tiny_vocabularies import bpe_metadata
from wgslm.chat.output.detect import detect
from wgslm.cli.serve import Loader
from wgslm.gpu import Device
from wgslm.quants import QUANTS
from wgslm_web.app import create_app
from wgslm_web.gate import Access
from wgslm_web.state import State

CHAT = "/v1/chat/completions"
BODY = (
    "{% for m in messages %}{{ m.content }}{% endfor %}"
    "{% for tool in tools or [] %}{{ tool.function.name }} {% endfor %}"
)
SCHEMA = {
    "type": "object",
    "properties": {
        "unit": {"enum": ["°C", "°F"]},
        "note": {"type": "string", "maxLength": 2},
        "days": {"type": "integer", "minimum": 1, "maximum": 14},
        "sure": {"type": "boolean"},
    },
    "required": ["unit", "note", "days", "sure"],
    "additionalProperties": False,
}
ORDER = {"name": "order", "parameters": SCHEMA, "strict": True}
NOW = {
    "name": "now",
    "parameters": {"type": "object", "properties": {}, "additionalProperties": False},
    "strict": True,
}
NAMED = {"type": "function", "function": {"name": "now"}}
TOOLS = [{"type": "function", "function": function} for function in (ORDER, NOW)]
SCHEMAS: Mapping[str, Any] = {"order": SCHEMA, "now": NOW["parameters"]}
CONTROL = re.compile(r"<\|[^|<>]+\|>|<\uff5c[^<>]+\uff5c>|\[/?[A-Z_]+\]|</?think>|<\|\w+>|<\w+\|>")
END = "<|endoftext|>"


def templates() -> dict[str, str]:
    """Return a template a format: what tells it stands in a comment."""
    sources = {
        path.stem: path.read_text(encoding="utf-8").partition("\n")[0].partition(": ")[2]
        for path in sorted(RECORDED.glob("*.txt"))
    }
    found = {}
    for name, source in sources.items():
        format = detect(source)
        if format.calls or format.routed:
            found[name] = "{# " + source + " #}" + BODY
    return found


def write_model(folder: Path) -> tuple[Path, list[int], list[int], int]:
    """Write a model with all the templates; give the ids of ends, of white space, of Muse's end."""
    sources = templates()
    formats = [detect(source) for source in sources.values()]
    found = [*CONTROL.findall("".join(sources.values()))]
    found += [format.thinking.close for format in formats if format.thinking]
    # With the last two <|end|> closes a message, as Harmony has it, and not the answer.
    found += ["<|end|>", "<|eom|>", "<|return|>", "<|call|>"]
    controls = [END, *sorted(set(found) - {END})]
    metadata = bpe_metadata(controls=controls)
    keys = {f"tokenizer.chat_template.{name}": source for name, source in sources.items()}
    change = {**metadata, "llama.context_length": 512, "tokenizer.chat_template": BODY, **keys}
    tokens = metadata["tokenizer.ggml.tokens"]
    assert isinstance(tokens, list)
    path = write_tiny(folder / "tiny.gguf", "llama", QUANTS[0], vocab=len(tokens), change=change)
    blanks = [tokens.index(text) for text in ("\u0120", "\u010a", "\u0109")]
    ends = ["<|end|>", *(f.thinking.close for f in formats if f.thinking)]
    return path, [tokens.index(text) for text in ends], blanks, tokens.index("<|eom|>")


@pytest.mark.gpu
def test_required_calls_are_valid_in_every_format(device: Device, tmp_path: Path) -> None:
    path, ends, blanks, eom = write_model(tmp_path)
    asked = {
        "messages": [{"role": "user", "content": "Hi"}],
        "tools": TOOLS,
        "max_tokens": 450,
        "parallel_tool_calls": False,
        # Chance alone would think for long, and write white space wherever it may.
        "logit_bias": {**dict.fromkeys(map(str, ends), 90), **dict.fromkeys(map(str, blanks), -90)},
    }
    wrong: list[str] = []

    async def ask(client: httpx.AsyncClient) -> None:
        for seed, name in enumerate(templates()):
            choice = NAMED if seed % 3 == 2 else "required"
            body = {**asked, "chat_template": name, "tool_choice": choice, "seed": seed}
            if name == "muse":  # for it the others' ends are text
                body["logit_bias"] = {str(eom): 90}
            answer = (await client.post(CHAT, json=body)).json()
            problem = judged(answer, only_now=choice is NAMED)
            wrong.extend([f"{name}: {problem}"] if problem else [])
        assert not wrong, "\n".join(wrong)
        body = {**asked, "chat_template": "hermes", "tool_choice": "required", "stream": True}
        events = events_of(await client.post(CHAT, json=body))
        assert events[-1]["choices"][0]["finish_reason"] == "tool_calls"  # type: ignore[index]

    async def run() -> None:
        async with engine(device, path, context=512) as current:
            state = State(Loader("f16", None, {}, None), current)
            app = create_app(state, Access(frozenset({HOST})))
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            url = f"http://{HOST}"
            async with httpx.AsyncClient(transport=transport, base_url=url) as client:
                await ask(client)

    asyncio.run(run())


def judged(answer: Mapping[str, Any], *, only_now: bool) -> str:
    """Say what is wrong with an answer; nothing if it is calls with valid arguments."""
    if "error" in answer:
        return str(answer["error"])
    (choice,) = answer["choices"]
    message = choice["message"]
    calls = [call["function"] for call in message.get("tool_calls", ())]
    if not calls or choice["finish_reason"] != "tool_calls" or (message["content"] or "").strip():
        return str(choice)
    for call in calls:
        validator = Draft202012Validator(SCHEMAS[call["name"]])
        is_valid = validator.is_valid(json.loads(call["arguments"]))
        if not is_valid or (only_now and call["name"] != "now"):
            return str(choice)
    return ""
