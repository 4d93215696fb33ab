"""How people type: other words for the same, fillers, no capitals or marks, slips."""

import random
import re

# Each with what may stand for it in a question.
_SYNONYMS = {
    "graphics card": ("GPU", "video card"),
    "computer": ("machine", "PC"),
    "bigger": ("larger",),
    "big": ("large",),
    "fast": ("quick",),
    "how do i": ("how can i", "how to", "how would i"),
    "do i have to": ("must i", "do i need to"),
    "do i need": ("is it necessary to have", "must i have"),
    "what is": ("what's", "whats", "what exactly is"),
    "want to": ("would like to", "wanna", "need to"),
    "can you": ("could you", "are you able to", "would you"),
    "can i": ("could i", "may i", "am i able to"),
    "load": ("open", "use"),
    "download": ("fetch",),
    "conversation": ("chat", "talk"),
    "the internet": ("the web", "internet"),
    "tell me": ("say", "let me know"),
    "please": ("pls",),
    "your": ("ur",),
    "you": ("u",),
    "does not": ("doesn't", "won't"),
    "which": ("what",),
    "why": ("how come", "for what reason"),
    "explain": ("describe", "help me understand"),
    "mean": ("stand for", "say"),
    "need": ("require",),
    "work": ("function", "run"),
}
_PATTERN = re.compile(
    r"\b(" + "|".join(sorted(map(re.escape, _SYNONYMS), key=len, reverse=True)) + r")\b", re.I
)
_BEFORE = (
    "Hey, ", "Hi, ", "Ok, ", "So ", "And ", "Please, ", "Hm, ", "Well, ", "Sorry, ", "Oh, ",
    "Tell me, ", "One question: ", "Quick question: ", "I was wondering, ", "Excuse me, ",
    "I'm curious, ", "By the way, ", "Another question: ", "Actually, ", "Question: ", "Now ",
    "Just out of curiosity, ", "I wanted to ask: ", "Can I ask you something? ", "But ",
)  # fmt: skip
_AFTER = (
    " Thanks!", " Thank you.", " Please.", " :)", " Just asking.", "??", "!", "...",
    " I am curious.",    " I have no idea.", " Please tell me.", " That would help me.",
)  # fmt: skip
_LITTLE_WORDS = frozenset("a an the do does is to it of in here me".split())


def colloquial(text: str, chance: random.Random) -> str:
    """Write something the way people type it; what is asked stays the same."""
    is_long = len(text) > 12
    if is_long:
        text = _reword(text, chance)
    if text.endswith("?") and is_long:
        if chance.random() < 0.12 and not text.startswith(("Hey", "Hi", "Hello")):
            text = chance.choice(_BEFORE) + text[0].lower() + text[1:]
        if chance.random() < 0.06:
            text += chance.choice(_AFTER)
    if chance.random() < 0.35:
        text = text.lower()
    elif chance.random() < 0.8:
        text = text[:1].upper() + text[1:]
    if chance.random() < 0.35:
        text = text.rstrip("?.!")
    if chance.random() < 0.1:
        text = text.replace("'", "")
    if chance.random() < 0.06 and is_long:
        text = _mistype(text, chance)
    return text.strip()


def _reword(text: str, chance: random.Random) -> str:
    def other(found: re.Match[str]) -> str:
        if chance.random() < 0.8:
            return found[0]
        return chance.choice(_SYNONYMS[found[0].lower()])

    text = _PATTERN.sub(other, text)
    if chance.random() < 0.05:
        words = text.split(" ")
        little = [at for at, word in enumerate(words) if word in _LITTLE_WORDS]
        if little:
            del words[chance.choice(little)]
            text = " ".join(words)
    elif chance.random() < 0.1 and text.count(" ") > 3:  # so that no answer hangs on one word
        words = text.split(" ")
        del words[chance.randrange(1, len(words) - 1)]
        text = " ".join(words)
    return text


def _mistype(text: str, chance: random.Random) -> str:
    at = chance.randrange(4, len(text) - 2)
    kinds = (text[at + 1] + text[at], text[at], text[at + 1], text[at] * 2 + text[at + 1])
    return text[:at] + chance.choice(kinds) + text[at + 2 :]
