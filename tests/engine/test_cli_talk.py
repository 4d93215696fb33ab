"""What can be typed in a chat, without a model."""

import json
from pathlib import Path

import pytest

from wgslm.cli.talk import COMMANDS, Next, Talk
from wgslm.errors import RequestError
from wgslm.generate import Options

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def talk() -> Talk:
    talk = Talk("tiny", Options(), "Be brief.")
    talk.say("user", "Hi")
    talk.say("assistant", "Hello.")
    return talk


def test_a_line_is_a_message(talk: Talk) -> None:
    assert talk.take("What now?") is Next.ANSWER
    assert [message["role"] for message in talk.messages] == [
        "system", "user", "assistant", "user"
    ]  # fmt: skip


@pytest.mark.parametrize("line", ["", "  ", "\t"])
def test_an_empty_line_is_nothing(talk: Talk, line: str) -> None:
    assert talk.take(line) is Next.READ
    assert len(talk.turns) == 2


def test_two_slashes_send_one(talk: Talk) -> None:
    assert talk.take("//etc is a folder") is Next.ANSWER
    assert talk.turns[-1]["content"] == "/etc is a folder"


def test_help_lists_every_command(talk: Talk, capsys: Capture) -> None:
    assert talk.take("/help") is Next.READ

    captured = capsys.readouterr()
    assert captured.out == ""
    assert all(f"/{name}" in captured.err for name in COMMANDS)


def test_new_keeps_the_system_message_and_the_settings(talk: Talk) -> None:
    talk.take("/set temperature 0.2")

    assert talk.take("/new") is Next.READ

    assert talk.messages == [{"role": "system", "content": "Be brief."}]
    assert talk.options.sampling.temperature == 0.2


def test_system_replaces_and_removes(talk: Talk) -> None:
    talk.take("/system Speak French.")
    assert talk.messages[0] == {"role": "system", "content": "Speak French."}

    talk.take("/system none")
    assert talk.messages[0]["role"] == "user"


def test_set_changes_one_setting_of_its_kind(talk: Talk) -> None:
    for line in ("/set temperature 0.2", "/set top-k 5", "/set seed 7", "/set max-tokens 9"):
        assert talk.take(line) is Next.READ

    sampling = talk.options.sampling
    assert (sampling.temperature, sampling.top_k, sampling.seed) == (0.2, 5, 7)
    assert talk.options.max_tokens == 9
    assert sampling.top_p == 0.95


def test_set_none_takes_a_limit_away(talk: Talk) -> None:
    talk.take("/set max-tokens 9")

    talk.take("/set max-tokens none")

    assert talk.options.max_tokens is None


def test_set_alone_shows_all(talk: Talk, capsys: Capture) -> None:
    talk.take("/set")

    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().err.splitlines())
    assert lines["temperature"] == "0.8"
    assert lines["max-tokens"] == "none"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("/nope", "there is no command /nope"),
        ("/set temperature", "NAME VALUE"),
        ("/set colour red", "there is no setting 'colour'; settings: temperature, "),
        ("/set temperature warm", "temperature is 'warm'; it must be a number"),
        ("/set top-k 1.5", "top-k is '1.5'; it must be a whole number"),
        ("/set temperature -1", "temperature is -1.0; it must be 0 to 100"),
        ("/set temperature none", "'none'; it must be a number"),
        ("/save", "/save FILE"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(talk: Talk, line: str, why: str) -> None:
    before = (talk.options, talk.messages)

    with pytest.raises(RequestError) as refusal:
        talk.take(line)

    assert why in str(refusal.value)
    assert (talk.options, talk.messages) == before


def test_regen_asks_the_last_question_again(talk: Talk) -> None:
    assert talk.take("/regen") is Next.ANSWER
    assert talk.turns == [{"role": "user", "content": "Hi"}]


def test_regen_needs_a_conversation() -> None:
    with pytest.raises(RequestError, match="no answer yet"):
        Talk("tiny", Options()).take("/regen")


def test_save_writes_json_for_programs(talk: Talk, tmp_path: Path) -> None:
    talk.take(f"/save {tmp_path}/a talk.json")

    saved = json.loads((tmp_path / "a talk.json").read_text("utf-8"))
    assert saved == {"model": "tiny", "messages": talk.messages}


def test_save_writes_text_for_people(talk: Talk, tmp_path: Path) -> None:
    talk.take(f"/save {tmp_path}/talk.txt")

    text = (tmp_path / "talk.txt").read_text("utf-8")
    assert text == "system: Be brief.\n\nuser: Hi\n\nassistant: Hello.\n"


def test_save_never_overwrites(talk: Talk, tmp_path: Path) -> None:
    (tmp_path / "talk.txt").write_text("mine")

    with pytest.raises(RequestError, match="exists already"):
        talk.take(f"/save {tmp_path}/talk.txt")

    assert (tmp_path / "talk.txt").read_text() == "mine"


def test_save_where_nothing_can_be_written_is_refused(talk: Talk, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="cannot write"):
        talk.take(f"/save {tmp_path}/no/such/folder.txt")


def test_quit_ends(talk: Talk) -> None:
    assert talk.take("/quit") is Next.QUIT
