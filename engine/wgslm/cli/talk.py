"""A conversation in the making, and what can be typed in it besides messages."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

from wgslm.cli.knobs import parse_knob, show_knobs
from wgslm.cli.terminal import note
from wgslm.errors import RequestError
from wgslm.generate import Options


class Next(Enum):
    """What follows a typed line."""

    READ = auto()
    ANSWER = auto()
    QUIT = auto()


@dataclass
class Talk:
    """Who said what so far, and how the next answer is drawn."""

    model: str
    options: Options
    system: str | None = None
    turns: list[dict[str, str]] = field(default_factory=list)

    @property
    def messages(self) -> list[dict[str, str]]:
        """The whole conversation, with the system message."""
        system = [] if self.system is None else [{"role": "system", "content": self.system}]
        return [*system, *self.turns]

    def take(self, line: str) -> Next:
        """Take a line as a command or as the user's message; `//` begins a message with `/`."""
        if not line.strip():
            return Next.READ
        if line.startswith("/") and not line.startswith("//"):
            name, _, rest = line[1:].strip().partition(" ")
            if name not in COMMANDS:
                raise RequestError(f"there is no command /{name}; /help lists what there is")
            return COMMANDS[name].act(self, rest.strip())
        self.say("user", line[1:] if line.startswith("//") else line)
        return Next.ANSWER

    def say(self, role: str, content: str) -> None:
        """Add a turn."""
        self.turns.append({"role": role, "content": content})


@dataclass(frozen=True)
class Command:
    """Something that can be typed after a slash."""

    usage: str
    text: str
    act: Callable[[Talk, str], Next]


def _help(talk: Talk, rest: str) -> Next:
    width = max(len(command.usage) for command in COMMANDS.values())
    note("\n".join(f"/{c.usage:{width}}  {c.text}" for c in COMMANDS.values()))
    note("Ctrl-C stops an answer, Ctrl-D ends. Esc then Enter begins a new line.")
    note("A message that begins with // is sent with one /.")
    return Next.READ


def _new(talk: Talk, rest: str) -> Next:
    talk.turns.clear()
    note("(a new conversation)")
    return Next.READ


def _system(talk: Talk, rest: str) -> Next:
    if rest:
        talk.system = None if rest == "none" else rest
    note(f"system message: {'none' if talk.system is None else talk.system}")
    return Next.READ


def _set(talk: Talk, rest: str) -> Next:
    if rest:
        name, _, value = rest.partition(" ")
        if not value.strip():
            raise RequestError("type /set NAME VALUE, or only /set to see all settings")
        talk.options = parse_knob(talk.options, name, value.strip())
    note(show_knobs(talk.options))
    return Next.READ


def _regen(talk: Talk, rest: str) -> Next:
    if not talk.turns:
        raise RequestError("there is no answer yet that could be made again")
    if talk.turns[-1]["role"] == "assistant":
        talk.turns.pop()
    return Next.ANSWER


def _save(talk: Talk, rest: str) -> Next:
    if not rest:
        raise RequestError("type /save FILE; FILE.json keeps the messages for programs")
    path = Path(rest).expanduser()
    if path.suffix == ".json":
        record = {"model": talk.model, "messages": talk.messages}
        text = json.dumps(record, ensure_ascii=False, indent=2) + "\n"
    else:
        text = "\n".join(f"{turn['role']}: {turn['content']}\n" for turn in talk.messages)
    try:
        with path.open("x", encoding="utf-8", errors="replace") as file:  # never over another file
            file.write(text)
    except FileExistsError:
        raise RequestError(f"{path} exists already; save under another name") from None
    except OSError as error:
        raise RequestError(f"cannot write {path}: {error.strerror}") from error
    note(f"saved {len(talk.messages)} messages to {path}")
    return Next.READ


def _quit(talk: Talk, rest: str) -> Next:
    return Next.QUIT


COMMANDS = {
    "help": Command("help", "show this", _help),
    "new": Command("new", "forget the conversation; keep the system message", _new),
    "system": Command("system TEXT", "set the system message; 'none' removes it", _system),
    "set": Command("set NAME VALUE", "change a setting: /set temperature 0.2", _set),
    "regen": Command("regen", "make the last answer again", _regen),
    "save": Command("save FILE", "write the conversation to a new file", _save),
    "quit": Command("quit", "end", _quit),
}
