"""`wgslm chat`: a conversation at the terminal, or one message a line from a pipe."""

import asyncio
import sys
from argparse import Namespace
from collections.abc import Callable
from contextlib import AsyncExitStack, aclosing

from wgslm.chat.events import Done, ReasoningDelta, TextDelta, TextWasReasoning
from wgslm.chat.formats import FROM_FILE
from wgslm.cli.knobs import make_options
from wgslm.cli.loading import loaded
from wgslm.cli.run import summary
from wgslm.cli.talk import COMMANDS, Next, Talk
from wgslm.cli.terminal import note, write, write_thought
from wgslm.engine import Engine
from wgslm.errors import RequestError, TemplateError

Read = Callable[[], str | None]  # the next line, without its end; None at the end of input


def chat(args: Namespace) -> None:
    """Talk until /quit or the end of input. Ctrl-C ends an answer, not the program."""
    make_options(args)  # refuses what has no meaning before anything is loaded
    is_person = sys.stdin.isatty() and sys.stdout.isatty()
    stack = AsyncExitStack()
    with asyncio.Runner() as runner:
        # Each answer is a run of its own, because a Runner turns Ctrl-C into the end of a run.
        model = runner.run(stack.enter_async_context(loaded(args)))
        try:
            options = make_options(args, model.engine.info.sampling)
            talk = Talk(model.engine.name, options, args.system)
            _welcome(model.engine, is_person=is_person)
            _repeat(runner, model.engine, talk, _reader() if is_person else _line, is_person)
        finally:
            runner.run(stack.aclose())


def _welcome(engine: Engine, *, is_person: bool) -> None:
    if engine.template.origin != FROM_FILE:
        note(f"note: the template is {engine.template.origin}")
    if is_person:
        note("Type a message, or /help.")


def _repeat(
    runner: asyncio.Runner, engine: Engine, talk: Talk, read: Read, is_person: bool
) -> None:
    while (line := read()) is not None:
        try:
            match talk.take(line):
                case Next.QUIT:
                    return
                case Next.ANSWER:
                    done = _answer(runner, engine, talk)
                    if done and is_person:
                        note(f"({summary(done)})")
        except (RequestError, TemplateError) as error:
            if not is_person:  # nobody could put it right
                raise
            note(str(error))


def _answer(runner: asyncio.Runner, engine: Engine, talk: Talk) -> Done | None:
    """Write an answer and keep it as a turn, also when Ctrl-C cuts it short: then None."""
    pieces: list[str] = []
    done: Done | None = None
    try:
        done = runner.run(_stream(engine, talk, pieces))
    except KeyboardInterrupt:
        pass
    except (RequestError, TemplateError):
        talk.turns.pop()  # what was asked cannot be answered; another message may
        raise
    write("\n")
    if done or pieces:
        talk.say("assistant", "".join(pieces))
    else:
        talk.turns.pop()
    if not done:
        note("(stopped)" if pieces else "(stopped before it began; the message is taken back)")
    return done


async def _stream(engine: Engine, talk: Talk, pieces: list[str]) -> Done:
    done: Done | None = None
    is_thinking = False
    async with aclosing(engine.chat(talk.messages, talk.options)) as events:
        async for event in events:
            match event:
                case ReasoningDelta(text):
                    is_thinking = True
                    write_thought(text)
                case TextDelta(text):
                    if is_thinking:
                        write_thought("\n\n")
                        is_thinking = False
                    pieces.append(text)
                    write(text)
                case TextWasReasoning():
                    pieces.clear()
                    write("\n\n")
                case Done():
                    done = event
    assert done is not None, "the engine ends every answer with Done"
    return done


def _line() -> str | None:
    """Read from a pipe."""
    line = sys.stdin.readline()
    return line.rstrip("\r\n") if line else None


def _reader() -> Read:
    """Return a line editor with a history; Esc Enter begins a new line of the same message."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import WordCompleter
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

    keys = KeyBindings()

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    words = WordCompleter([f"/{name}" for name in COMMANDS], sentence=True)
    session: PromptSession[str] = PromptSession(
        key_bindings=keys, completer=words, complete_while_typing=False
    )

    def read() -> str | None:
        while True:
            try:
                return session.prompt("> ")
            except EOFError:
                return None
            except KeyboardInterrupt:
                note("(Ctrl-D or /quit ends)")

    return read
