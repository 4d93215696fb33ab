"""Text that nobody wrote: words in 20 scripts, with everything between that tokenizers treat apart.

Every character is one that Unicode 14 assigns, so that all libraries know its class.
"""

import random
import unicodedata

# First and last letter of each; what lies between is letters, marks and the script's own digits.
SCRIPTS = {
    "Latin": "az", "capitals": "AZ", "Latin-1": "\xc0\xff", "Greek": "\u0391\u03c9",
    "Cyrillic": "\u0410\u044f", "Armenian": "\u0531\u0586", "Hebrew": "\u05d0\u05ea",
    "Arabic": "\u0620\u0669", "Devanagari": "\u0900\u096f", "Bengali": "\u0985\u09ef",
    "Gurmukhi": "\u0a05\u0a6f", "Tamil": "\u0b85\u0bef", "Telugu": "\u0c05\u0c6f",
    "Thai": "\u0e01\u0e59", "Lao": "\u0e81\u0ed9", "Myanmar": "\u1000\u1049",
    "Georgian": "\u10d0\u10fa", "Hangul": "\uac00\uac60", "Hiragana": "\u3041\u3096",
    "Katakana": "\u30a1\u30ff", "Han": "\u4e00\u4e80", "Khmer": "\u1780\u17e9",
    "Cherokee": "\u13a0\u13f5", "Deseret": "\U00010400\U0001044f",
    "Han, rare": "\U00020000\U00020030",
}  # fmt: skip
BETWEEN = (
    *" " * 12, "  ", "   ", "\n", "\n\n", " \n ", "\r\n", "\t", "\xa0", "\u3000", "\u2028", "'s",
    "'S", "'ll", "'LL", "'Re", "'ve", "'d", "'\u017f", "'", "\u2019s", ".", ", ", "! ", "?", "...",
    "(", ")", "[", "{", "_", "__", "-", "\u2014", "/", "//", "\\", "$", "\u20ac", "+", "=", "^",
    "~", "|", "`", "<", ">", "@", "#", "%", "&", "*", '"', ":", ";", "1", "12", "123", "1234",
    "1234567", "3.14", "\xb2", "\u2168", "\u0661", "\uff0c", "\u3002", "\uff01", "\u2026",
    "\u0301", "\u0308", "\u0301\u0302", "\u200d", "\u200b", "\ufeff", "\U0001f600",
    "\u2764\ufe0f", "\U0001f468\u200d\U0001f469", "\u4e2d\u6587", "\u3005", "\u0964", "\u0e46",
    "\x1c", "\x1f", "\x7f", "\x00", "\x85", "\ue000", "\U000e0041", "\ufb01", "\uff21", "\u212b",
    "\u2581", "<sentinel:12>", "IMGIMGABZ",
)  # fmt: skip


def sentence(seed: int, length: int = 40) -> str:
    """Return a text of about `length` words and separators, the same for the same seed."""
    source = random.Random(seed)
    parts = []
    for _ in range(length):
        ends = source.choice(list(SCRIPTS.values()))
        size = source.randint(1, 7)
        letters = [chr(source.randint(ord(ends[0]), ord(ends[1]))) for _ in range(size)]
        parts.append("".join(c for c in letters if unicodedata.category(c) != "Cn"))
        parts.append(source.choice(BETWEEN) if source.random() < 0.9 else "")
    return "".join(parts)
