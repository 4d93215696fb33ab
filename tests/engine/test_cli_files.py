"""Commands that read headers only: tokenize, inspect, explain."""

import asyncio
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from command_line import Outcome, call, command, environ, finish, start
from fault_server import FaultServer
from tiny_gguf import Typed, write_gguf
from tiny_models import LAYERS, VOCAB, metadata, write_tiny
from wgslm.cli.explain import Explained
from wgslm.gpu import DEFAULT_LIMITS, Limits
from wgslm.header import open_header
from wgslm.kernels.schedule import GPU
from wgslm.quants import QUANTS
from wgslm.sources import HEAD_NBYTES

F32, Q8_0 = QUANTS[0], next(quant for quant in QUANTS if quant.name == "q8_0")
on_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="hides drivers as Vulkan's loader does"
)
BYTE = 3  # the id of byte 0
Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("cli") / "tiny.gguf", "llama", Q8_0, F32)


def without_gpu(*argv: object) -> Outcome:
    """Run a command where the Vulkan loader finds no driver."""
    hidden = environ(VK_DRIVER_FILES="/nonexistent", VK_ICD_FILENAMES="/nonexistent")
    done = subprocess.run(command(*argv), env=hidden, capture_output=True, text=True)
    return Outcome(done.returncode, done.stdout, done.stderr)


def test_tokenize_gives_ids_and_pieces(capsys: Capture, model: Path) -> None:
    outcome = call(capsys, "tokenize", model, "-p", "é", "--json")

    assert outcome.status == 0
    assert outcome.json["ids"][0] == 1
    assert outcome.json["ids"][-2:] == [BYTE + 0xC3, BYTE + 0xA9]
    assert outcome.json["pieces"][0] == "<s>"
    assert outcome.json["pieces"][-2:] == ["\\xc3", "\\xa9"]
    assert outcome.err == ""


def test_tokenize_without_bos(capsys: Capture, model: Path) -> None:
    ids = call(capsys, "tokenize", model, "-p", "hi", "--json").json["ids"]

    assert call(capsys, "tokenize", model, "-p", "hi", "--no-bos", "--json").json["ids"] == ids[1:]


def test_tokenize_makes_control_tokens_only_when_told_to(capsys: Capture, model: Path) -> None:
    text = ("tokenize", model, "-p", "</s>", "--no-bos", "--json")

    assert call(capsys, *text, "--specials").json["ids"] == [2]
    assert 2 not in call(capsys, *text).json["ids"]


def test_tokenize_prints_a_table(capsys: Capture, model: Path) -> None:
    lines = call(capsys, "tokenize", model, "-p", "é").out.splitlines()

    assert [line.split() for line in (lines[0], lines[-1])] == [["1", "'<s>'"], ["172", r"b'\xa9'"]]


def test_a_prompt_may_come_from_stdin(
    capsys: Capture, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = call(capsys, "tokenize", model, "-p", "two\nlines", "--json")

    monkeypatch.setattr(sys, "stdin", io.StringIO("two\nlines"))

    assert call(capsys, "tokenize", model, "-p", "-", "--json") == typed


def test_inspect_says_everything_that_the_header_does(capsys: Capture, model: Path) -> None:
    facts = call(capsys, "inspect", model, "--json").json

    assert facts["metadata"]["llama.block_count"] == LAYERS
    assert len(facts["metadata"]["tokenizer.ggml.tokens"]) == VOCAB
    assert facts["files"] == [
        {"name": str(model), "nbytes": model.stat().st_size, "identity": None}
    ]
    first = facts["tensors"][0]
    assert (first["name"], first["shape"], first["type"]) == (
        "token_embd.weight",
        [256, 320],
        "Q8_0",
    )
    assert sum(tensor["nbytes"] for tensor in facts["tensors"]) == facts["nbytes"]
    assert (facts["supported"], facts["why"]) == (True, None)


def test_inspect_prints_tables(capsys: Capture, model: Path) -> None:
    text = " ".join(call(capsys, "inspect", model).out.split())

    assert "architecture llama" in text
    assert "['<unk>', '<s>', '</s>', '<0x00>', '<0x01>', '<0x02>', ... (320)]" in text
    assert "token_embd.weight 256 x 320 Q8_0 87,040" in text


def test_inspect_reads_no_weights_over_http(capsys: Capture, model: Path) -> None:
    data = model.read_bytes()
    with FaultServer({"tiny.gguf": data}) as server:
        facts = call(capsys, "inspect", server.url("tiny.gguf"), "--json").json

        assert server.sent <= HEAD_NBYTES < len(data)
    assert facts["files"][0]["nbytes"] == len(data)


def test_inspect_shows_a_file_that_cannot_run_and_says_why(capsys: Capture, tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf", {"general.architecture": "mamba9"})

    outcome = call(capsys, "inspect", path)

    assert outcome.status == 0
    assert "supported     no: general.architecture is 'mamba9'; supported: " in outcome.out


def test_no_file_steers_the_terminal(capsys: Capture, tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf", {"general.name": "\x1b[31mred\x9b", "a\x1b[2J": 1})

    outcome = call(capsys, "inspect", path)

    assert r"\x1b[31mred\x9b" in outcome.out
    assert not {"\x1b", "\x9b"} & set(outcome.out)


def test_json_has_no_word_for_nan(capsys: Capture, tmp_path: Path) -> None:
    values = {"one": Typed("f32", float("nan")), "many": Typed("f32", [1.0, float("inf")])}
    path = write_gguf(tmp_path / "m.gguf", values)

    outcome = call(capsys, "inspect", path, "--json")

    assert json.loads(outcome.out, parse_constant=pytest.fail)["metadata"] == {
        "one": "nan",
        "many": [1.0, "inf"],
    }


def test_nobody_reading_is_quiet(model: Path) -> None:
    process = start("inspect", model)
    assert process.stdout
    process.stdout.close()
    process.stdout = None

    outcome = finish(process)

    assert (outcome.status, outcome.err) == (141, "")


def explained(model: Path, *argv: object) -> Any:
    outcome = without_gpu("explain", model, "--json", *argv)
    assert (outcome.status, outcome.err) == (0, "")
    return outcome.json


@on_linux
def test_explain_works_without_an_adapter(model: Path) -> None:
    facts = explained(model)

    assert facts["adapter"] is None
    assert facts["limits"]["binding_nbytes"] == DEFAULT_LIMITS.binding_nbytes
    assert (facts["layers"], facts["context"], facts["fits"]) == (LAYERS, 300, True)
    assert facts["decode"]["dispatches"] == len(facts["decode"]["table"])
    assert facts["decode"]["dispatches"] == sum(facts["decode"]["kernels"].values())
    assert [step["tokens"] for step in facts["prefill"]] == [16, 128]


@on_linux
def test_explain_counts_the_bytes_of_a_step(capsys: Capture, model: Path) -> None:
    tensors = call(capsys, "inspect", model, "--json").json["tensors"]
    nbytes = {tensor["name"]: tensor["nbytes"] for tensor in tensors}
    table = nbytes.pop("token_embd.weight")

    facts = explained(model, "--kv", "f32")

    assert facts["decode"]["weight_bytes"] == sum(nbytes.values()) + table // VOCAB
    assert facts["prefill"][0]["weight_bytes"] == sum(nbytes.values()) + 16 * (table // VOCAB)
    assert facts["kv_bytes_per_token"] == 2 * LAYERS * 2 * 64 * 4  # k, v: 2 heads of 64 f32
    memory = facts["memory"]
    assert memory["cache"] == 300 * facts["kv_bytes_per_token"]
    assert memory["weights"] == sum(nbytes.values()) + table
    assert sum(memory.values()) == 2 * memory["total"]


@on_linux
def test_explain_tells_layers_from_what_is_outside(model: Path) -> None:
    decode = explained(model)["decode"]

    (each,) = decode["dispatches_per_layer"]
    assert each == sum(row["layer"] == 0 for row in decode["table"])
    assert decode["dispatches"] == LAYERS * each + decode["dispatches_outside"]


@on_linux
def test_explain_gives_the_roofline_of_a_bandwidth(model: Path) -> None:
    facts = explained(model, "--bandwidth", "2.5")

    empty, full = facts["roofline"]
    weights, kv = facts["decode"]["weight_bytes"], facts["kv_bytes_per_token"]
    assert empty["ms_per_token"] == pytest.approx((weights + kv) / 2.5e6)
    assert full["after_tokens"] == 299
    assert full["ms_per_token"] == pytest.approx((weights + 300 * kv) / 2.5e6)
    assert full["tok_s"] == pytest.approx(1e3 / full["ms_per_token"])
    assert explained(model)["roofline"] == []


@on_linux
def test_explain_takes_a_shape() -> None:
    outcome = without_gpu("explain", "--shape", "llama-3.1-8b", "--bandwidth", "100")

    assert (outcome.status, outcome.err) == (0, "")
    assert "llama-3.1-8b-q4_k_m-random, llama, 8.03 G of Q4_K" in outcome.out
    assert "ms a token, " in outcome.out


def test_a_tensor_in_parts_counts_once(model: Path) -> None:
    header = asyncio.run(open_header(str(model)))
    asyncio.run(header.close())
    totals = []
    for limits in (DEFAULT_LIMITS, Limits(1 << 20, 64 << 10)):
        plans, names = header.plans(limits, GPU, 300, "f16")
        seen = Explained(header, None, limits, 300, "f16", plans, names, ())
        totals.append([sum(row.weight_bytes for row in seen.rows(plan)) for plan in plans])

    gains = totals[1][0] - totals[0][0]  # a fused product of several parts reads its gain for each
    assert 0 <= gains <= 9 * 4 * 256
    assert totals[0][1:] == totals[1][1:]


@on_linux
def test_explain_folds_layers_that_are_alike(model: Path) -> None:
    folded = without_gpu("explain", model).out.splitlines()
    full = without_gpu("explain", model, "--full").out.splitlines()

    assert sum(line.startswith("0-1  ") for line in folded) == 1
    assert sum(line.startswith(("0  ", "1  ")) for line in full) == 2
    assert len(folded) < len(full)


@on_linux
def test_a_named_adapter_that_is_missing_is_refused(model: Path) -> None:
    outcome = without_gpu("explain", model, "--adapter", "voodoo")

    assert outcome.status == 1
    assert outcome.err == "wgslm explain: no adapter's name contains 'voodoo'; there are: none\n"


def test_an_unknown_model_is_not_explained(capsys: Capture, tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf", {**metadata("llama"), "general.architecture": "mamba9"})

    outcome = call(capsys, "explain", path)

    assert outcome.status == 1
    assert outcome.err.startswith("wgslm explain: general.architecture is 'mamba9'; supported: ")
