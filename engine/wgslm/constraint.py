"""What an answer of one model has to be: grammars over its vocabulary, calls that are demanded.

The grammars are imported when the first answer needs one.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from wgslm.chat.demands.demand import Demand
from wgslm.chat.output.styles import Format
from wgslm.errors import RequestError
from wgslm.pauses import Pausing
from wgslm.text import Tokenizer
from wgslm.words import making_vocabulary

if TYPE_CHECKING:
    from wgslm.grammar import Grammar, Matcher, Vocabulary


class Constraints:
    """Starts grammars for the answers of one model."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Prepare nothing yet."""
        self._tokenizer = tokenizer
        self._vocabulary: Vocabulary | None = None

    def matching(
        self, grammar: "Grammar | None", so_far: Sequence[int] = ()
    ) -> Pausing["Matcher | None"]:
        """Return what follows an answer that has begun with the ids `so_far`, if it is bound."""
        if grammar is None:
            return None
        if self._vocabulary is None:
            self._vocabulary = yield from making_vocabulary(self._tokenizer)
        matcher = grammar.start(self._vocabulary)
        for index, id in enumerate(so_far):
            if not matcher.allows(id):
                raise RequestError(
                    f"the answer so far is not as demanded from its token {index} on (id {id}); "
                    "begin it again, or demand nothing",
                    "ids",
                )
            matcher.advance(id)
            yield
        return matcher


def demanded(
    format: Format, tools: Sequence[object], demand: Demand, prompt: str, given: "Grammar | None"
) -> "Grammar | None":
    """Return the grammar of an answer to `prompt` whose calls are as demanded, else the given."""
    if demand.is_free:
        return given
    if given is not None:
        raise RequestError(
            "the request says what the answer has to be, and demands calls of tools; the two do "
            "not go together",
            "tool_choice",
        )
    from wgslm.chat.demands.answers import answer_grammar

    return answer_grammar(format, tools, demand, prompt)
