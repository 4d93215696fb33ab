"""What may be typed, what is refused, and with which exit status."""

import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

from command_line import call, environ
from wgslm import header
from wgslm.cli.arguments import KVS, ROLES, parse
from wgslm.cli.knobs import KNOBS, UsageError, make_options, parse_knob, show_knobs
from wgslm.errors import RequestError
from wgslm.generate import Options
from wgslm.kernels.attention import KvType
from wgslm.kernels.schedule import Role
from wgslm.sampling import Sampling

COMMANDS = ("run", "chat", "serve", "bench", "inspect", "explain", "tokenize", "template",
            "check", "logits")  # fmt: skip
HEAVY = (
    "asyncio",
    "jinja2",
    "numpy",
    "prompt_toolkit",
    "rich",
    "starlette",
    "wgpu",
    "wgslm.engine",
)
Capture = pytest.CaptureFixture[str]


def test_help_names_every_command_and_every_exit_status(capsys: Capture) -> None:
    outcome = call(capsys, "--help")

    assert outcome.status == 0
    assert all(f"    {name} " in outcome.out for name in COMMANDS)
    assert all(f"\n  {status} " in outcome.out for status in (0, 1, 2, 130, 141))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples(capsys: Capture, name: str) -> None:
    outcome = call(capsys, name, "--help")

    assert outcome.status == 0
    assert f"examples:\n  wgslm {name} model.gguf" in outcome.out


def test_every_format_of_the_cache_can_be_typed() -> None:
    assert get_args(KvType) == KVS


def test_a_kernel_of_every_role_can_be_forced() -> None:
    assert get_args(Role) == ROLES


def test_help_states_the_defaults_that_hold(capsys: Capture) -> None:
    text = " ".join(call(capsys, "run", "--help").out.split())

    assert all(f"{knob.text} (default: " in text for knob in KNOBS)
    assert "reach P (default: the model's, else 0.95)" in text
    assert "answer after N tokens (default: none)" in text
    assert "never end the answer (default: off)" in text
    assert {knob.name for knob in KNOBS if knob.by_model} == set(header.RECOMMENDED)


def test_options_are_the_engines_own_defaults_until_something_is_typed() -> None:
    assert make_options(parse(["run", "m.gguf", "-p", "x"])) == Options()


def test_what_is_typed_holds_together_not_one_after_the_other() -> None:
    args = parse(["run", "m", "-p", "x", "--mirostat", "0", "--xtc-probability", "0.5"])

    assert make_options(args, Sampling(mirostat=2)).sampling == Sampling(xtc_probability=0.5)


def test_what_is_not_typed_is_as_the_model_recommends() -> None:
    args = parse(["run", "m", "-p", "x", "--top-k", "3"])

    assert make_options(args, Sampling(0.3, 9)).sampling == Sampling(0.3, 3)


def test_every_sampling_option_arrives() -> None:
    words = (
        "--temperature 0.5 --top-k 3 --top-p 0.5 --min-p 0.1 --repeat-penalty 1.5 --seed 7 "
        "--typical-p 0.9 --presence-penalty -0.5 --frequency-penalty 0.25 --repeat-last-n -1 "
        "--logit-bias 13=-100,29=2.5 --max-tokens 9 --stop - --dry-multiplier 0.8 --dry-base 2 "
        "--dry-allowed-length 3 --dry-penalty-last-n 99 --dry-sequence-breaker ; "
        '--dry-sequence-breakers ["a","\\n"] --top-n-sigma 1.5 --xtc-probability 0.5 '
        "--xtc-threshold 0.2 --dynatemp-range 0.25 --dynatemp-exp 1.5 --min-tokens 4 --ignore-eos"
    )

    args = parse(["run", "m", "-p", "x", *words.split()])

    sampling = Sampling(
        0.5, 3, 0.5, 0.1, 1.5, -1, 7, 0.9, -0.5, 0.25, ((13, -100.0), (29, 2.5)), 0.8, 2, 3, 99,
        (";", "a", "\n"), 1.5, 0.5, 0.2, 0.25, 1.5,
    )  # fmt: skip
    assert make_options(args) == Options(9, ("-",), sampling, min_tokens=4, ignore_eos=True)


def test_mirostat_can_be_typed_by_llama_cpps_names() -> None:
    words = "--mirostat 2 --mirostat-ent 4 --mirostat-lr 0.2".split()

    options = make_options(parse(["run", "m", "-p", "x", *words]))

    assert options.sampling == Sampling(mirostat=2, mirostat_tau=4, mirostat_eta=0.2)


@pytest.mark.parametrize(
    ("name", "typed", "shown"),
    [
        ("dry-sequence-breakers", '["\\n", "x"]', '["\\n", "x"]'),
        ("dry-sequence-breakers", "none", "none"),
        ("dry_sequence_breakers", "--", '["--"]'),
        ("ignore-eos", "on", "on"),
        ("min-tokens", "4", "4"),
    ],
)
def test_settings_are_shown_as_they_are_typed(name: str, typed: str, shown: str) -> None:
    lines = show_knobs(parse_knob(Options(), name, typed)).splitlines()

    values = dict(line.split(maxsplit=1) for line in lines)
    assert values[name.replace("_", "-")] == shown


@pytest.mark.parametrize(
    ("name", "typed"),
    [("ignore-eos", "maybe"), ("dry-sequence-breakers", "[1]"), ("dry-sequence-breakers", "[x")],
)
def test_a_setting_of_another_kind_is_refused(name: str, typed: str) -> None:
    with pytest.raises(RequestError, match="it must be"):
        parse_knob(Options(), name, typed)


def test_every_field_of_sampling_can_be_typed() -> None:
    assert {field.name for field in fields(Sampling)} <= {knob.name for knob in KNOBS}


def test_biases_are_shown_as_they_are_typed_and_can_be_taken_back() -> None:
    options = parse_knob(Options(), "logit-bias", "13=-100,29=2.5")

    assert options.sampling.logit_bias == ((13, -100.0), (29, 2.5))
    assert "\nlogit-bias            13=-100,29=2.5\n" in show_knobs(options)
    assert parse_knob(options, "logit_bias", "none") == Options()
    with pytest.raises(RequestError, match="'13'; it must be ids with their biases, such as 13="):
        parse_knob(options, "logit-bias", "13")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from wgslm.cli import main; main(['--help']);"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], env=environ(), capture_output=True, text=True, check=True
    )

    assert done.stderr == "[]\n"


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        ("", "COMMAND"),
        ("nothing", "invalid choice"),
        ("run m.gguf", "-p/--prompt"),
        ("run m.gguf -p x --temp 1", "--temp"),
        ("run m.gguf -p x --top-k many", "many"),
        ("run m.gguf -p x --logit-bias 13", "it must be ids with their biases, such as 13=-100"),
        ("run m.gguf -p x --logit-bias 1=2,1=3", "logit_bias names a token twice"),
        ("run m.gguf -p x --logit-bias 1=101", "logit_bias is 101.0; it must be -100 to 100"),
        ("run m.gguf -p x --temperature -1", "temperature is -1.0; it must be 0 to 100"),
        ("run m.gguf -p x --temperature nan", "temperature is nan"),
        ("run m.gguf -p x --max-tokens 0", "max_tokens is 0"),
        ("run m.gguf -p x --min-tokens 9 --max-tokens 3", "min_tokens is 9; it must be 0 to max"),
        ("run m.gguf -p x --mirostat 3", "mirostat is 3; it must be 0 (off), 1 or 2"),
        ("run m.gguf -p x --dry-base 0.5", "dry_base is 0.5; it must be 1 to 100"),
        ("run m.gguf -p x --raw --system y", "--raw has no place for --system"),
        ("run m.gguf -p x --kv q8", "'f16', 'f32', 'q8_0', 'q4_0'"),
        ("run m.gguf -p x --context 1", "must be 2 or more"),
        ("logits m.gguf --ids 1,a", "'1,a' is no list of ids"),
        ("bench m.gguf --repeat 0", "must be 1 or more"),
        ("bench", "name a MODEL, or a --shape"),
        ("bench m.gguf --quant q8_0", "--quant has no place without --shape"),
        ("bench --shape gpt-5", "there is no shape 'gpt-5'; shapes: smollm2-135m"),
        ("bench --shape qwen3-4b --quant q9", "there is no quant 'q9'; quants: f32"),
        ("bench m.gguf --pp 1,x", "'1,x' is no list"),
        ("bench m.gguf --kv f16,f8", "'f8' is unknown; known: f16, f32, q8_0, q4_0"),
        ("bench m.gguf --output xml", "xml"),
        ("explain", "0 models are named"),
        ("explain m.gguf --shape qwen3-4b", "2 models are named"),
        ("explain m.gguf --bandwidth 0", "must be above 0"),
        ("serve m.gguf --port 65536", "must be 0 to 65535"),
    ],
)
def test_wrong_usage_ends_with_2(capsys: Capture, argv: str, why: str) -> None:
    outcome = call(capsys, *argv.split())

    assert (outcome.status, outcome.out) == (2, "")
    assert why in outcome.err.replace("choose from f16, f32", "'f16', 'f32'")


@pytest.mark.parametrize(
    ("option", "text", "why"),
    [
        ("--json-schema", '{"type": "object", "unevaluatedItems": false}', "'unevaluatedItems'"),
        ("--json-schema", "{", "is no JSON"),
        ("--json-schema", None, "cannot be read"),
        ("--grammar", "root ::= other", "no rule 'other'"),
        ("--grammar", None, "cannot be read"),
    ],
)
def test_a_constraint_that_cannot_be_followed_ends_with_2(
    capsys: Capture, tmp_path: Path, option: str, text: str | None, why: str
) -> None:
    path = tmp_path / "constraint"
    if text is not None:
        path.write_text(text, "utf-8")

    outcome = call(capsys, "run", "m.gguf", "-p", "x", option, path)

    assert (outcome.status, outcome.out) == (2, "")
    assert why in outcome.err


def test_an_expression_that_cannot_be_followed_ends_with_2(capsys: Capture) -> None:
    backward = call(capsys, "run", "m.gguf", "-p", "x", "--regex", r"(a)\1")
    both = call(capsys, "run", "m.gguf", "-p", "x", "--regex", "a", "--grammar", "g")

    assert backward.status == both.status == 2
    assert "\\1" in backward.err and "not allowed with" in both.err


@pytest.mark.parametrize("text", ["-5", "--raw", "--help", "", "-p", "a=b", "two\nlines"])
def test_a_prompt_is_taken_as_it_is(text: str) -> None:
    assert parse(["run", "m.gguf", "-p", text, "--json"]).prompt == text


def test_a_value_without_meaning_is_refused_before_the_file_is_opened() -> None:
    with pytest.raises(UsageError, match="top_p is 2"):
        make_options(parse(["run", "no-such-file", "-p", "x", "--top-p", "2"]))


@pytest.mark.parametrize("name", ["run -p x", "inspect", "explain", "tokenize -p x", "bench"])
def test_a_missing_file_ends_with_1_and_one_line(capsys: Capture, name: str) -> None:
    outcome = call(capsys, *name.split(), "no-such-file.gguf")

    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.startswith(f"wgslm {name.split()[0]}: cannot open 'no-such-file.gguf'")
    assert outcome.err.count("\n") == 1


def test_version_is_one_line(capsys: Capture) -> None:
    outcome = call(capsys, "--version")

    assert outcome.status == 0
    assert outcome.out.startswith("wgslm ")
