r"""The data of all pre-tokenizers that llama.cpp knows by name (`llama_vocab::impl::load`).

The expressions are those that the models publish. Where llama.cpp only comes near them, because
its engine has no `\p{Lu}` (tekken, gpt-4o, kimi-k2 and others), the published one counts: it is
what the model was trained with. An expression that takes quadratic time on hostile text is
written so that it does not; tests compare with the published wording.
"""

from dataclasses import dataclass

from wgslm.text.digits import NUMBERS, THOUSANDS, WHOLE_NUMBERS, Threes

SUFFIX = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
WORD = r"[^\r\n\p{L}\p{N}]?\p{L}+"
MARKS = r" ?[^\s\p{L}\p{N}]+[\r\n]*"
LINES = r"\s*[\r\n]+"
BLANKS = r"\s+(?!\S)|\s+"

GPT_2 = rf"'s|'t|'re|'ve|'m|'ll|'d| ?\p{{L}}+| ?\p{{N}}+| ?[^\s\p{{L}}\p{{N}}]+|{BLANKS}"
LLAMA_3 = rf"{SUFFIX}|{WORD}|\p{{N}}{{1,3}}|{MARKS}|{LINES}|{BLANKS}"
QWEN_2 = rf"{SUFFIX}|{WORD}|\p{{N}}|{MARKS}|{LINES}|{BLANKS}"
UFAKZEKA = rf"{WORD}|\p{{N}}|{MARKS}|{LINES}|{BLANKS}"
MINICPM_5 = rf"{SUFFIX}|{WORD}|\p{{N}}+|{MARKS}|{LINES}|{BLANKS}"
SEED_CODER = rf"{SUFFIX}|{WORD}|\p{{N}}| ?[^\s\p{{L}}\p{{N}}\r\n]+|{LINES}|{BLANKS}"
BAILING = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*"
    rf"|\s*[\r\n]|{BLANKS}"
)
QWEN_35 = (
    rf"{SUFFIX}|[^\r\n\p{{L}}\p{{N}}]?[\p{{L}}\p{{M}}]+|\p{{N}}"
    rf"| ?[^\s\p{{L}}\p{{M}}\p{{N}}]+[\r\n]*|{LINES}|{BLANKS}"
)
# Published as (?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+, which keeps state for every character.
EXAONE_MOE = (
    rf"{SUFFIX}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}(?: \p{{L}}|[\p{{L}}\p{{M}}])*+|\p{{N}}"
    rf"| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]?|\s*[\r\n]|{BLANKS}"
)
# The lookbehind: without it, each cut of a long run of spaces would look for its end again.
JAIS_2 = (
    rf"{SUFFIX}|{WORD}|\p{{N}}{{1,3}}|{MARKS}|(?<![\s&&[^\r\n]])\s*[\r\n]+|"
    + "".join(rf"\s{{{length}}}(?!\S)|" for length in (512, 256, 128, 64, 32, 16, 8, 4))
    + r"\s{1,2}(?!\S)|\s{1}"
)
UPPER, LOWER = r"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}", r"\p{Ll}\p{Lm}\p{Lo}\p{M}"


def _cased(upper: str, lower: str, suffix: str) -> str:
    """Return the expression of a word whose capitals come first, with a suffix or without."""
    start = r"[^\r\n\p{L}\p{N}]?"
    return f"{start}{upper}*{lower}+{suffix}|{start}{upper}+{lower}*{suffix}"


CASED = _cased(f"[{UPPER}]", f"[{LOWER}]", f"{SUFFIX}?")
SLASHES = rf" ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{LINES}|{BLANKS}"
TEKKEN = rf"{_cased(f'[{UPPER}]', f'[{LOWER}]', '')}|\p{{N}}|{SLASHES}"
GPT_4O = rf"{CASED}|\p{{N}}{{1,3}}|{SLASHES}"
YOUTU = rf"{CASED}|\p{{N}}|{SLASHES}"
KIMI_CASED = _cased(
    rf"[{UPPER}&&[^\p{{Han}}]]", rf"[{LOWER}&&[^\p{{Han}}]]", f"{SUFFIX}?"
)  # fmt: skip
KIMI_K2 = rf"[\p{{Han}}]+|{KIMI_CASED}|\p{{N}}{{1,3}}|{MARKS}|{LINES}|{BLANKS}"

IDEOGRAPHS = r"[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"
DEEPSEEK_WORD = (
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"
    r"|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+"
)
DEEPSEEK_3 = rf"{DEEPSEEK_WORD}[\r\n]*|{LINES}|{BLANKS}"
SPARK = rf"{DEEPSEEK_WORD}|[\r\n]|{BLANKS}"
CJK_RUNS = r"[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"
AFMOE_SCRIPTS = (
    r"[\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff\u3040-\u309f\u30a0-\u30ff\uff65-\uff9f"
    r"\u2f00-\u2fdf\u0e40-\u0e7f\u0e80-\u0eff\u1780-\u17ff\u1000-\u109f\uaa60-\uaa7f"
    r"\ua9e0-\ua9ff\uac00-\ud7af\u1100-\u11ff]+"
)
YOUTU_SCRIPTS = (
    r"[\uac00-\ud7a3\u3131-\u318e]+"
    r"|[\uff01\u2026\u201c\u201d\u2018\u2019\u2014\uff1a\uff1b\uff0c\u3001-\u303f\ufe30-\ufe4f]+"
    rf"|[\u3105-\u312f]+|{IDEOGRAPHS}"
)
CLAUSES = r" ?[^(\s|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+"
SENTENCE_MARKS = r"\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+"
# Cased letters, as DeepSeek lists them.
CASED_LETTERS = "".join(
    rf"\U{int(first, 16):08x}-\U{int(last or first, 16):08x}"
    for first, _, last in (item.partition("-") for item in (
        "41-5a 61-7a b5 c0-d6 d8-f6 f8-1ba 1bc-1bf 1c4-293 295-2af 370-373 376-377 37b-37d 37f "
        "386 388-38a 38c 38e-3a1 3a3-3f5 3f7-481 48a-52f 531-556 10a0-10c5 13a0-13f5 13f8-13fd "
        "1c90-1cba 1cbd-1cbf 1d00-1d2b 1d6b-1d77 1d79-1d9a 1e00-1f15 1f18-1f1d 1f20-1f45 "
        "1f48-1f4d 1f50-1f57 1f59 1f5b 1f5d 1f5f-1f7d 1f80-1fb4 1fb6-1fbc 1fbe 1fc2-1fc4 "
        "1fc6-1fcc 1fd0-1fd3 1fd6-1fdb 1fe0-1fec 1ff2-1ff4 1ff6-1ffc 2102 2107 210a-2113 2115 "
        "2119-211d 2124 2126 2128 212a-212d 212f-2134 2139 213c-213f 2145-2149 214e 2183-2184 "
        "2c00-2c7b 2c7e-2ce4 2ceb-2cee 2cf2-2cf3 a640-a66d a680-a69b a722-a76f a771-a787 "
        "a78b-a78e ab70-abbf fb00-fb06 fb13-fb17 ff21-ff3a ff41-ff5a 10400-1044f 104b0-104d3 "
        "104d8-104fb 10c80-10cb2 10cc0-10cf2 118a0-118df 1e900-1e943"
    ).split())
)  # fmt: skip
# Published as \s+$, which looks for the end from every space.
TRAILING = r"(?<!\s)\s++\Z"
PUNCTUATION = r"[\p{P}\$\+<=>\^~\|`]+"
CHAMELEON = (
    "<sentinel:[0-9]+>", "(?:IMGIMG)(?:(?:A|B|C|D|E|F|G|H|I){1,4})Z", r"[\t\n]|    |  ",
    r"\p{N}", r"[\p{P}!-/:-@\[-`{-~]", GPT_2,
)  # fmt: skip
LINE = r"[^\n]+|[\n]+"


@dataclass(frozen=True)
class PreTokenizer:
    """What `tokenizer.ggml.pre` stands for: steps, each of which cuts the pieces of the one before.

    What a step does not match is a piece too, so nothing is lost.
    """

    names: tuple[str, ...]
    steps: tuple[str | Threes, ...]
    ignore_merges: bool = False  # a word that is a token becomes it without merging
    add_bos: bool = False  # where the file does not say
    always_bos: bool = False  # whatever the file says
    raw: bool = False  # pieces are text with U+2581 for spaces, not bytes
    drops_spaces: bool = False  # raw, and white space makes no token


PRE_TOKENIZERS = (
    PreTokenizer(
        (
            "gpt-2", "phi-2", "jina-es", "jina-de", "jina-v2-es", "jina-v2-de", "gigachat",
            "a.x-4.0", "mellum", "modern-bert", "exaone4", "mpt", "olmo", "jais", "trillion",
            "granite-docling", "jina-v1-en", "jina-v2-code", "roberta-bpe",
        ),
        (GPT_2,),
    ),
    PreTokenizer(
        (
            "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0",
            "lfm2", "jina-v5-nano",
        ),
        (LLAMA_3,), ignore_merges=True, add_bos=True,
    ),
    PreTokenizer(("dbrx", "smaug-bpe", "glm4", "chatglm-bpe"), (LLAMA_3,)),
    PreTokenizer(
        (
            "qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez", "stablelm2", "hunyuan",
            "solar-open", "grok-2",
        ),
        (QWEN_2,),
    ),
    PreTokenizer(("qwen35",), (QWEN_35,)),
    PreTokenizer(("ufakzeka",), (UFAKZEKA,)),
    PreTokenizer(("laguna",), (LINE, QWEN_2)),
    PreTokenizer(("minicpm5",), (r"\p{N}{1,3}", MINICPM_5), ignore_merges=True),
    PreTokenizer(("seed-coder",), (SEED_CODER,)),
    PreTokenizer(("bailingmoe", "bailingmoe2", "llada-moe"), (BAILING,)),
    PreTokenizer(("jais-2",), (JAIS_2,)),
    PreTokenizer(("exaone-moe",), (EXAONE_MOE,)),
    PreTokenizer(
        (
            "starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b",
            "mellum2",
        ),
        (r"\p{N}", GPT_2),
    ),
    PreTokenizer(("falcon",), (PUNCTUATION, GPT_2, "[0-9][0-9][0-9]")),
    PreTokenizer(("default",), (PUNCTUATION.replace("`", ""), GPT_2, r"\p{N}+", "[0-9][0-9][0-9]")),
    PreTokenizer(("tekken",), (TEKKEN,), ignore_merges=True, add_bos=True),
    PreTokenizer(("gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"), (GPT_4O,)),
    PreTokenizer(("granite-embed-multi-97m",), (GPT_4O,), ignore_merges=True),
    PreTokenizer(("tiny_aya", "cohere2moe"), (WHOLE_NUMBERS, GPT_4O)),
    PreTokenizer(("kimi-k2",), (KIMI_K2,)),
    PreTokenizer(("youtu",), (YOUTU_SCRIPTS, YOUTU), ignore_merges=True),
    PreTokenizer(
        ("deepseek-llm",),
        (
            r"[\r\n]", rf"\s?[{CASED_LETTERS}]+", SENTENCE_MARKS, TRAILING, CJK_RUNS, r"\p{N}+",
        ),
    ),
    PreTokenizer(
        ("deepseek-coder",), (r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", CJK_RUNS, r"\p{N}")
    ),
    PreTokenizer(
        ("deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"),
        (r"\p{N}{1,3}", IDEOGRAPHS, DEEPSEEK_3),
    ),
    PreTokenizer(("spark2_5",), (r"\p{N}{1,3}", IDEOGRAPHS, SPARK, r"\p{N}")),
    PreTokenizer(("afmoe",), (NUMBERS, AFMOE_SCRIPTS, DEEPSEEK_3)),
    PreTokenizer(("superbpe",), (r"\p{N}+", THOUSANDS)),
    PreTokenizer(("poro-chat", "bloom", "gpt3-finnish"), (CLAUSES,)),
    PreTokenizer(("viking",), (CLAUSES, r"\p{N}")),
    PreTokenizer(("chameleon",), CHAMELEON, add_bos=True),
    # Files say that no BOS is added, and models write nonsense without it.
    PreTokenizer(
        ("gemma4", "granite-embed-multi-311m"), (LINE,), add_bos=True, always_bos=True, raw=True
    ),
    PreTokenizer(("sarvam-moe",), (LINE,), raw=True),
    PreTokenizer(("whitespace",), (r"\S+",), raw=True, drops_spaces=True),
)  # fmt: skip
