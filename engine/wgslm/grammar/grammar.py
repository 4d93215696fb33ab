"""A grammar ready for use: what its texts are, whatever the vocabulary."""

from collections.abc import Mapping, Sequence

from wgslm.grammar.expression import Expression
from wgslm.grammar.mask import Masks, Matcher
from wgslm.grammar.program import lower
from wgslm.grammar.states import Reader
from wgslm.grammar.vocabulary import Vocabulary

MOST_VOCABULARIES = 2


class Grammar:
    """A set of texts. Keeps states and masks from one answer to the next."""

    def __init__(self, rules: Mapping[str, Expression], *, marks: Sequence[str] = ()) -> None:
        """Compile rules, of which "root" is the whole; refuse what cannot be followed.

        Control tokens may be chosen for their text where it is one of the `marks`, or in one.
        """
        self._reader = Reader(lower(rules))
        self._marks = "\0".join(marks)
        self._masks: dict[Vocabulary, Masks] = {}

    def accepts(self, text: str | bytes) -> bool:
        """Say whether a whole text is one of the grammar's."""
        state = self._reader.read(
            self._reader.start, text if isinstance(text, bytes) else text.encode()
        )
        return state is not None and state.accepting

    def begins(self, text: str | bytes) -> bool:
        """Say whether a text is the beginning of one of the grammar's."""
        data = text if isinstance(text, bytes) else text.encode()
        return self._reader.read(self._reader.start, data) is not None

    def start(self, vocabulary: Vocabulary) -> Matcher:
        """Return what follows one answer from its first token on."""
        if vocabulary not in self._masks:
            if len(self._masks) >= MOST_VOCABULARIES:
                self._masks.clear()
            given = vocabulary.specials.items()
            specials = {id: text for id, text in given if text.decode() in self._marks}
            self._masks[vocabulary] = Masks(self._reader, vocabulary, specials)
        return Matcher(self._masks[vocabulary])
