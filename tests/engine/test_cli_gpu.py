"""Commands that run a model: equal to llama.cpp's records, and well-behaved around the edges."""

import io
import json
import os
import re
import signal
import sys
import time
import urllib.request
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from command_line import Outcome, call, command, finish, killed_after, start
from terminal import PROMPT, Terminal
from tiny_models import CONTEXT, VOCAB, write_tiny
from wgslm.bench.report import SOFTWARE
from wgslm.chat.events import Done, Event, TextDelta, TextWasReasoning, Timings, Usage
from wgslm.engine import Engine
from wgslm.gpu import Device
from wgslm.quants import QUANTS

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("device")]
Capture = pytest.CaptureFixture[str]
on_posix = pytest.mark.skipif(os.name != "posix", reason="sends signals as POSIX does")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("cli") / "tiny.gguf", "llama", QUANTS[0])


def recorded(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def run_greedily(capsys: Capture, model: Path, prompt: str, count: int, *more: str) -> Outcome:
    words = ("--raw", "--temperature", "0", "--max-tokens", count, "--json", *more)
    return call(capsys, "run", model, "-p", prompt, *words)


def test_run_equals_the_recorded_ids(capsys: Capture, reference_data: Path) -> None:
    folder = reference_data / "models"
    case = recorded(folder / "stories260K.golden.json")["cases"][0]
    ids = case["greedy_ids"]

    outcome = run_greedily(capsys, folder / "stories260K.f32.gguf", case["prompt"], len(ids))

    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.json["prompt_ids"] == case["prompt_ids"]
    assert outcome.json["ids"] == ids
    assert outcome.json["text"].startswith(case["greedy_text"])
    assert outcome.json["finish_reason"] == "length"
    assert list(outcome.json) == ["prompt_ids", "ids", "text", "finish_reason", "timings"]


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_logits_equal_the_recorded_ones(capsys: Capture, reference_data: Path, name: str) -> None:
    folder = reference_data / "architectures"
    record = recorded(folder / f"{name}.json")
    ids = ",".join(map(str, record["prompt_ids"]))

    outcome = call(capsys, "logits", folder / f"{name}.gguf", "--ids", ids, "--json")

    expected = record.get("exact_gelu", record)["logits_last"]
    bound = max(1e-3, 3 * record["incremental_diff"])
    assert (outcome.status, outcome.err) == (0, "")
    np.testing.assert_allclose(outcome.json["logits"], expected, rtol=0, atol=bound)


def test_each_gives_the_logits_of_every_position(capsys: Capture, model: Path) -> None:
    last = call(capsys, "logits", model, "--ids", "1,5,9", "--json").json["logits"]

    each = call(capsys, "logits", model, "--ids", "1,5,9", "--each", "--json").json["logits"]

    assert np.shape(each) == (3, VOCAB)
    np.testing.assert_allclose(each[2], last, rtol=0, atol=1e-4)  # other kernels, other sums


def test_logits_for_people_name_the_likeliest(capsys: Capture, model: Path) -> None:
    logits = call(capsys, "logits", model, "--ids", "1,5", "--json").json["logits"]

    lines = call(capsys, "logits", model, "--ids", "1,5").out.splitlines()

    assert len(lines) == 11
    assert int(lines[1].split()[1]) == int(np.argmax(logits))


def test_run_streams_the_text_alone_to_stdout(capsys: Capture, model: Path) -> None:
    text = run_greedily(capsys, model, "hi", 20).json["text"]

    plain = call(
        capsys, "run", model, "-p", "hi", "--raw", "--temperature", "0", "--max-tokens", 20
    )

    assert plain.out == text + "\n"
    assert "tokens of context" in plain.err


def test_run_without_a_template_says_so(capsys: Capture, model: Path) -> None:
    outcome = call(capsys, "run", model, "-p", "hi", "--max-tokens", 1, "--json")

    assert outcome.err == (
        "note: the template is ChatML (the file has no template); "
        "--raw continues the text instead\n"
    )


def test_a_seed_repeats_an_answer(capsys: Capture, model: Path) -> None:
    words = ("run", model, "-p", "a", "--raw", "--max-tokens", 12, "--top-k", 0, "--json")

    first, second, other = (call(capsys, *words, "--seed", seed).json["ids"] for seed in (1, 1, 2))

    assert first == second != other


SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer", "minimum": 1, "maximum": 99}, "b": {"enum": ["x", 2]}},
    "required": ["n", "b"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("seed", [1, 2])
def test_an_answer_is_what_a_schema_an_expression_or_a_grammar_says(
    capsys: Capture, model: Path, tmp_path: Path, seed: int
) -> None:
    schema, grammar = tmp_path / "schema.json", tmp_path / "grammar.gbnf"
    schema.write_text(json.dumps(SCHEMA), "utf-8")
    grammar.write_text('root ::= "[" ("ab" | "c"){2,3} "]"', "utf-8")
    words = ("run", model, "-p", "a", "--raw", "--max-tokens", 200, "--seed", seed, "--json")

    as_schema = call(capsys, *words, "--json-schema", schema).json
    as_regex = call(capsys, *words, "--regex", "[0-9]{3}-(é|z)").json
    as_grammar = call(capsys, *words, "--grammar", grammar).json

    Draft202012Validator(SCHEMA).validate(json.loads(as_schema["text"]))
    assert re.fullmatch("[0-9]{3}-(é|z)", as_regex["text"])
    assert re.fullmatch(r"\[(ab|c){2,3}\]", as_grammar["text"])
    assert {each["finish_reason"] for each in (as_schema, as_regex, as_grammar)} == {"stop"}


def test_text_before_an_end_of_thoughts_is_no_answer(capsys: Capture, tmp_path: Path) -> None:
    template = "{{ messages[-1].content }}{# <think> </think> #}"
    changed = {"tokenizer.chat_template": template}
    model = write_tiny(tmp_path / "thinks.gguf", "llama", QUANTS[0], change=changed)
    written = ("--regex", r"Hm\.\n</think>\n\nYes", "--max-tokens", 30)

    whole = call(capsys, "run", model, "-p", "a", *written, "--json").json
    streamed = call(capsys, "run", model, "-p", "a", *written)

    assert (whole["text"], whole["reasoning"]) == ("Yes", "Hm.")
    assert streamed.out == "Hm.\n\nYes\n"


def test_a_stop_text_ends_the_answer_and_is_not_shown(capsys: Capture, model: Path) -> None:
    text = run_greedily(capsys, model, "hi", 30).json["text"]
    stop = text[len(text) // 2 :][:2]

    outcome = run_greedily(capsys, model, "hi", 30, "--stop", stop)

    assert outcome.json["finish_reason"] == "stop"
    assert outcome.json["text"] == text[: text.index(stop)]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("run", "-p", "x" * CONTEXT, "--raw"), "the context holds 300"),
        (("run", "-p", "x", "--context", 301), "this model allows 2 to 300"),
        (("run", "-p", "x", "--adapter", "voodoo"), "no adapter's name contains 'voodoo'"),
        (("logits", "--ids", f"1,{VOCAB}"), f"token id {VOCAB} does not exist"),
        (("bench", "--tg", 400), "the tests need a context of 403 tokens and there are 300"),
    ],
)
def test_what_the_model_cannot_do_ends_with_1(
    capsys: Capture, model: Path, words: tuple[object, ...], why: str
) -> None:
    outcome = call(capsys, words[0], model, *words[1:])

    assert (outcome.status, outcome.out) == (1, "")
    assert why in outcome.err.splitlines()[-1]


def test_bench_names_the_adapter_and_what_kind_it_is(
    capsys: Capture, model: Path, device: Device
) -> None:
    words = ("bench", model, "--pp", "5,20", "--tg", 4, "--depth", "0,7", "--repeat", 2)

    figures = call(capsys, *words, "--json").json
    text = call(capsys, *words).out

    is_software = device.adapter.kind == "software"
    assert figures["adapter"]["name"] == device.adapter.name
    assert figures["adapter"]["kind"] == device.adapter.kind
    assert (figures["warning"] == SOFTWARE) == (SOFTWARE in text) == is_software
    (found,) = figures["models"]
    names = ["pp5", "pp20", "tg4", "pp5 @ d7", "pp20 @ d7", "tg4 @ d7"]
    assert [test["test"] for test in found["tests"]] == names
    assert all(len(test["samples_tok_s"]) == 2 and test["tok_s"] > 0 for test in found["tests"])


def test_bench_makes_shapes_and_says_what_it_does(capsys: Capture, device: Device) -> None:
    words = ("--shape", "smollm2-135m", "--quant", "q4_0", "--pp", "2", "--tg", "0", "--repeat", 1)

    outcome = call(capsys, "bench", *words, "--output", "json")

    (found,) = outcome.json["models"]
    assert (found["model"], found["quant"]) == ("smollm2-135m-q4_0-random", "Q4_0")
    assert found["parameters"] == 134_515_008
    assert [test["test"] for test in found["tests"]] == ["pp2"]
    assert "] smollm2-135m-q4_0-random: pp2, run 1 of 1\n" in outcome.err


def test_explain_uses_the_adapters_own_limits(capsys: Capture, model: Path, device: Device) -> None:
    facts = call(capsys, "explain", model, "--json").json

    assert facts["adapter"]["name"] == device.adapter.name
    assert facts["limits"]["binding_nbytes"] == device.limits.binding_nbytes


def chat(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, model: Path, lines: str, *more: object
) -> Outcome:
    monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
    return call(capsys, "chat", model, "--temperature", 0, "--max-tokens", 4, *more)


def test_chat_reads_a_pipe(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, model: Path, tmp_path: Path
) -> None:
    saved = tmp_path / "talk.json"
    lines = f"one\n\n/regen\ntwo\n/save {saved}\n/quit\nnever\n"

    outcome = chat(capsys, monkeypatch, model, lines, "--system", "s")

    messages = recorded(saved)["messages"]
    assert outcome.status == 0
    assert [message["role"] for message in messages] == [
        "system", "user", "assistant", "user", "assistant"
    ]  # fmt: skip
    first, second = messages[2]["content"], messages[4]["content"]
    assert outcome.out == f"{first}\n{first}\n{second}\n"  # greedy: made again, it is the same


def test_chat_keeps_no_text_before_an_end_of_thoughts(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, model: Path, tmp_path: Path
) -> None:
    async def written(*_: object) -> AsyncGenerator[Event]:
        for event in (TextDelta("Hm."), TextWasReasoning(), TextDelta("Yes")):
            yield event
        yield Done("stop", Usage(1, 3, 0), Timings(1.0, 1.0, 1.0), (3, 4, 5))

    monkeypatch.setattr(Engine, "chat", written)
    saved = tmp_path / "talk.json"

    outcome = chat(capsys, monkeypatch, model, f"a\n/save {saved}\n")

    assert outcome.out == "Hm.\n\nYes\n"
    assert recorded(saved)["messages"][-1] == {"role": "assistant", "content": "Yes"}


def test_chat_from_a_pipe_ends_at_the_first_error(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, model: Path
) -> None:
    outcome = chat(capsys, monkeypatch, model, "/nope\none\n")

    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.splitlines()[-1] == (
        "wgslm chat: there is no command /nope; /help lists what there is"
    )


@on_posix
def test_ctrl_c_ends_run_with_130(model: Path) -> None:
    process = start("run", model, "-p", "a", "--raw", "--top-k", 0)
    assert process.stdout
    with killed_after(process, 60):
        assert process.stdout.read(1), "the answer ended, or never came"

    process.send_signal(signal.SIGINT)

    outcome = finish(process)
    assert outcome.status == 130
    assert "Traceback" not in outcome.err


@on_posix
def test_ctrl_c_ends_the_answer_but_not_the_chat(model: Path) -> None:
    process = start("chat", model)
    assert process.stdin and process.stdout and process.stderr
    process.stdin.write("one\n")
    process.stdin.flush()
    with killed_after(process, 60):
        assert process.stdout.read(1), "the chat ended, or said nothing for too long"
    process.send_signal(signal.SIGINT)
    with killed_after(process, 60):
        while "stopped" not in (line := process.stderr.readline()):
            assert line, "the chat ended, or said nothing for too long"

    more = "/set max-tokens 2\ntwo\n"
    out, err = process.communicate(more, timeout=60)

    assert process.returncode == 0
    assert out.endswith("\n")
    assert "Traceback" not in err


@on_posix
def test_nobody_reading_ends_run_quietly(model: Path) -> None:
    process = start("run", model, "-p", "a", "--raw", "--top-k", 0, "--json")
    assert process.stdout
    process.stdout.close()
    process.stdout = None

    outcome = finish(process)

    assert (outcome.status, outcome.err) == (141, "")


@pytest.mark.skipif(sys.platform != "linux", reason="concerns Mesa's Vulkan layer")
def test_stderr_is_clean_without_a_desktop(model: Path) -> None:
    desktop = {"XDG_RUNTIME_DIR": "", "WAYLAND_DISPLAY": "", "DISPLAY": ""}

    outcome = finish(start("logits", model, "--ids", "1", "--json", **desktop))

    assert (outcome.status, outcome.err) == (0, "")


@on_posix
def test_serve_answers_until_ctrl_c(model: Path) -> None:
    process = start("serve", model, "--port", 0)
    assert process.stderr
    with killed_after(process, 60):
        while "listening on" not in (line := process.stderr.readline()):
            assert line, "the server ended, or said nothing for too long"
    url = line.split()[2]
    with urllib.request.urlopen(f"{url}/models", timeout=10) as reply:
        models = json.load(reply)
    time.sleep(0.1)

    process.send_signal(signal.SIGINT)

    outcome = finish(process)
    assert [entry["id"] for entry in models["data"]] == ["tiny"]
    assert (outcome.status, outcome.out, outcome.err) == (0, "", "")


def test_serve_refuses_others_without_a_key(
    capsys: Capture, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WGSLM_API_KEY", raising=False)

    outcome = call(capsys, "serve", model, "--host", "0.0.0.0", "--port", 0)

    assert outcome.status == 1
    assert "needs an API key" in outcome.err


@on_posix
def test_chat_at_a_terminal(model: Path) -> None:
    with Terminal(command("chat", model, "--max-tokens", 3, "--seed", 1)) as terminal:
        terminal.expect("Type a message, or /help.")
        terminal.expect(PROMPT)
        terminal.type("one\r")
        terminal.expect("(prompt: ")
        terminal.expect(PROMPT)
        terminal.type("\x03")  # at the prompt it ends nothing
        terminal.expect("(Ctrl-D or /quit ends)")
        terminal.expect(PROMPT)
        terminal.type("/nope\r")
        terminal.expect("there is no command /nope; /help lists what there is")
        terminal.expect(PROMPT)
        terminal.type("/quit\r")

        assert terminal.wait() == 0
