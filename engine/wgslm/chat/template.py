"""A model's chat template: messages to a prompt, in a sandbox with bounds on steps and size.

Templates come from model files, so they are untrusted programs. Speaks text, not ids.
"""

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from types import TracebackType

import jinja2

from wgslm.chat.adapt import (
    adapted,
    takes_results,
    takes_tools,
    wants_objects,
    wants_parts,
)
from wgslm.chat.bounds import Budget
from wgslm.chat.compiler import FILENAME, compile_template
from wgslm.chat.formats import BUILT_IN, CHATML, FROM_FILE
from wgslm.chat.messages import Message, fold_system, in_parts, read_messages
from wgslm.chat.output.detect import detect, marks
from wgslm.chat.sandbox import Sandbox
from wgslm.chat.specials import Marker, Specials
from wgslm.chat.values import Reader, lists, mapped, strings
from wgslm.errors import RequestError, TemplateError
from wgslm.pauses import Pausing, whole
from wgslm.text.segment import Segment

# What control tokens look like, where no vocabulary says which there are.
CONTROL = re.compile(
    r"<\|[^<>|\s{}'\"]+\|>|<\uff5c[^<>\uff5c{}'\"]+\uff5c>|\[/?INST\]|<(?:start|end)_of_turn>|</s>"
)
_PART = re.compile(r"""\.text\b|['"]text['"]""")
_PROBE = "wgslm-probe-7f3a"
_TAKEN = frozenset(
    "messages tools add_generation_prompt bos_token eos_token raise_exception strftime_now range"
    " namespace dict cycler joiner".split()
)


class ChatTemplate:
    """One template, compiled once; renderings share nothing."""

    def __init__(
        self,
        source: str,
        *,
        bos_token: str,
        eos_token: str,
        specials: Sequence[str],
        user_defined: Sequence[str] = (),
        clock: Callable[[], datetime] = datetime.now,
        origin: str = FROM_FILE,
    ) -> None:
        """Compile a Jinja source that is of `origin`; an empty one means ChatML.

        `specials` are the texts of the control tokens that messages must never make. Nor must they
        make those of `user_defined` that look like control tokens, as files have turns' marks;
        but for the marks of thoughts and calls, which past answers hold.
        """
        self.origin = origin if source.strip() else BUILT_IN
        self._source = source if source.strip() else CHATML.source
        self._tokens = {"bos_token": bos_token, "eos_token": eos_token}
        self.format = detect(self._source)
        answered = marks(self.format, has_tools=True)
        look_alikes = (t for t in user_defined if CONTROL.fullmatch(t) and t not in answered)
        self.specials = (*specials, *look_alikes)
        self._specials = Specials(self.specials)
        self._clock = clock
        self._code = compile_template(self._source, Sandbox(Budget(), clock))

    def render(
        self,
        messages: Sequence[Message],
        *,
        add_generation_prompt: bool = True,
        tools: Sequence[object] | None = None,
        variables: Mapping[str, object] | None = None,
    ) -> list[Segment]:
        """Make the prompt of a conversation.

        A leading system message joins the user's first where the template has no place for it
        (`takes_system`). `variables` are further names that the template may read.
        """
        return whole(
            self.rendering(
                messages,
                add_generation_prompt=add_generation_prompt,
                tools=tools,
                variables=variables,
            )
        )

    def rendering(
        self,
        messages: Sequence[Message],
        *,
        add_generation_prompt: bool = True,
        tools: Sequence[object] | None = None,
        variables: Mapping[str, object] | None = None,
    ) -> Pausing[list[Segment]]:
        """Do `render` with pauses, for long conversations."""
        reader = Reader()
        conversation = read_messages(messages, reader, self._source)
        if conversation[0]["role"] == "system" and not self.takes_system:
            conversation = fold_system(conversation)
        variables = variables or {}
        taken = sorted(_TAKEN & variables.keys())
        if taken:
            raise RequestError(f"{taken[0]!r} cannot be set for a chat template", taken[0])
        given: dict[str, object] = {"documents": None, "tools": tools, **variables}
        given = {name: reader.read(value, name) for name, value in given.items()}
        parts = len(conversation) if self._wants_parts else 0
        budget = Budget(len(conversation), reader.count + 3 * parts, reader.nbytes)
        fixed = {"add_generation_prompt": add_generation_prompt, **self._tokens}
        said = list(dict.fromkeys(strings([conversation, given])))
        marker = Marker(self._specials, [self._source, *self._tokens.values(), *said])
        marks: dict[str, str] = {}
        for text in said:
            marks[text] = yield from marker.mark(text)
            yield
        marked = [
            {
                key: value if key == "role" else mapped(value, marks.__getitem__)
                for key, value in message.items()
            }
            for message in conversation
        ]
        given = {name: mapped(value, marks.__getitem__) for name, value in given.items()}
        if self._wants_parts:
            marked = in_parts(marked)
        rendered = yield from self._run({"messages": marked, **given, **fixed}, budget, marker)
        return (yield from marker.segments(rendered))

    @cached_property
    def takes_system(self) -> bool:
        """Whether a system message reaches the prompt, tried out with a short conversation."""
        user: Message = {"role": "user", "content": "?"}
        try:
            prompt = self._try([{"role": "system", "content": _PROBE}, user])
        except TemplateError:
            prompt = ""
        if _PROBE in prompt:
            return True
        try:
            self._try([user])
        except TemplateError:
            return True  # it fails for another reason, which the caller should hear
        return False

    @cached_property
    def _wants_parts(self) -> bool:
        # Trying costs as much as rendering, so only templates that read a part's text are tried.
        return _PART.search(self._source) is not None and wants_parts(self._try_as_it_is)

    @cached_property
    def takes_tools(self) -> bool:
        """Whether tools reach the prompt."""
        return takes_tools(self._try)

    @cached_property
    def takes_results(self) -> bool:
        """Whether what tools gave reaches the prompt."""
        return takes_results(self._try)

    @cached_property
    def _wants_objects(self) -> bool:
        return wants_objects(self._try)

    def adapted(self, messages: Sequence[Message]) -> list[Message]:
        """Write a conversation of OpenAI's messages as this template takes it."""
        return adapted(messages, self._source, objects=lambda: self._wants_objects)

    @property
    def source(self) -> str:
        """The Jinja source."""
        return self._source

    def control_texts(self) -> list[str]:
        """Return what in the source looks like control tokens, by their usual forms."""
        return list(dict.fromkeys(CONTROL.findall(self._source)))

    def names(self, variable: str) -> bool:
        """Whether the template's source has this word."""
        return re.search(rf"\b{re.escape(variable)}\b", self._source) is not None

    def own_variables(self, tools: Sequence[object] | None) -> dict[str, object]:
        """Return what FireFunction's template calls its tools and the date; for others nothing."""
        if not (self.names("functions") and self.names("datetime")):
            return {}
        now = self._clock().strftime("%b %d %Y %H:%M:%S GMT")
        written = json.dumps(tools, indent=2, ensure_ascii=False) if tools else ""
        return {"functions": written, "datetime": now}

    def _try(self, messages: Sequence[Message], tools: Sequence[object] | None = None) -> str:
        return self._try_as_it_is(in_parts(messages) if self._wants_parts else messages, tools)

    def _try_as_it_is(
        self, messages: Sequence[Message], tools: Sequence[object] | None = None
    ) -> str:
        fixed: dict[str, object] = {"add_generation_prompt": True, "tools": tools}
        fixed |= {"documents": None, **self._tokens}
        fixed |= self.own_variables(tools)
        return whole(self._run({"messages": messages, **fixed}, Budget(), None))

    def _run(
        self, variables: dict[str, object], budget: Budget, marker: Marker | None
    ) -> Pausing[str]:
        """Run the compiled template in an environment of its own."""
        sandbox = Sandbox(budget, self._clock, marker.character if marker else "")
        sandbox.given = frozenset(lists(variables))
        template = jinja2.Template.from_code(sandbox, self._code, sandbox.globals)
        texts: list[str] = []
        try:
            for text in template.root_render_func(template.new_context(variables)):
                texts.append(text)
                yield
            return "".join(texts)
        except TemplateError as error:
            message = str(error)
            raise TemplateError(marker.remove(message) if marker else message) from None
        except Exception as error:  # whatever a foreign program runs into
            message = (str(error) or type(error).__name__)[:500]
            line = _line(template, sys.exc_info()[2])
            raise TemplateError(
                f"the chat template fails on line {line} for this conversation:"
                f" {marker.remove(message) if marker else message}"
            ) from error


def _line(template: jinja2.Template, traceback: TracebackType | None) -> int:
    """Find the template's line that an exception came through last."""
    line = 1
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == FILENAME:
            line = template.get_corresponding_lineno(traceback.tb_lineno)
        traceback = traceback.tb_next
    return line
