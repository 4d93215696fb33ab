"""How fast a tab makes ids of texts and masks of grammars, with a vocabulary of 151,936 tokens."""

import json
from pathlib import Path
from typing import Any

import pytest

from browser_tab import Tab
from served import Served

# Reads a vocabulary of llama.cpp's in the worker; both go on from there.
READ = """
import json, random, statistics, time
from wgslm.gguf import read_directory
from wgslm.pauses import in_turns
from wgslm.sources import open_source
from wgslm.text import load_tokenizer

tokenizer = load_tokenizer((await read_directory([await open_source({url!r})])).metadata)

def seconds(run):
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun
"""
# Renders and splits a chat, and splits it again with one message more; splits a long text.
TEXTS = """
from wgslm.chat.template import ChatTemplate
from wgslm.prompts import Prompts

words = {words!r}.split(" ")
chance, template = random.Random(1), ChatTemplate(
    {template!r}, bos_token="", eos_token="", specials=tokenizer.specials)
said = [" ".join(chance.choices(words, k=80)) for _ in range(20)]
chat = [{{"role": ("user", "assistant")[i % 2], "content": said[i]}} for i in range(20)]
more = [*chat, {{"role": "user", "content": "And now?"}}]
template.render(chat[:2])  # finds out what it takes
first, following = [], []
for _ in range(3):
    prompts = Prompts(tokenizer)
    first.append(seconds(lambda: prompts.encode(template.render(chat))))
    following.append(seconds(lambda: prompts.encode(template.render(more))))
prose = seconds(lambda: tokenizer.encode({prose!r}))
json.dumps([min(first), min(following), prose])
"""
# Asks for a mask after each byte of a text.
MASKS = """
from wgslm.grammar import for_schema
from wgslm.words import making_vocabulary

begun = time.perf_counter()
vocabulary = await in_turns(making_vocabulary(tokenizer))
made = time.perf_counter() - begun
text, grammar, new, known = {text!r}.encode(), for_schema({schema!r}), [], []
for length in range(len(text)):
    matcher = grammar.start(vocabulary)
    for byte in text[:length]:
        matcher.advance(vocabulary.pieces.index(bytes([byte])))
    for found in (new, known):
        found.append(seconds(lambda: matcher._masks.of(matcher._state)))
json.dumps([made, statistics.median(new), max(new), statistics.median(known)])
"""
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 40},
        "born": {"type": "string", "format": "date"},
        "tags": {"type": "array", "items": {"enum": ["red", "green", "blue"]}},
    },
    "required": ["name", "born", "tags"],
}
DOCUMENT = (
    '{"name": "Zo\\"", "born": "2024-02-29", "tags": ["red", "blue"], "more": {"x": [1.5e3, null]}}'
)
WORDS = "the quick brown fox, 12 hats;\n\n çé <|im_end|> 東京 don't <think>x</think> "
MASK_SECONDS, KNOWN_SECONDS = 0.150, 0.2e-3
CHAT_SECONDS, PROSE_SECONDS, PROSE_NBYTES = 0.150, 1.5, 100_000

pytestmark = [pytest.mark.e2e, pytest.mark.gpu, pytest.mark.speed]


def test_masks_of_a_large_vocabulary_come_in_time(
    tab: Tab, open_site: Served, reference_data: Path
) -> None:
    made, new, worst, known = in_tab(
        tab, open_site, reference_data, MASKS.format(text=DOCUMENT, schema=SCHEMA)
    )

    print(
        f"\nmade ready in {made:.1f} s; a new state's mask {new * 1e3:.1f} ms, at most "
        f"{worst * 1e3:.0f} ms; a known one's {known * 1e6:.0f} us"
    )
    assert worst <= MASK_SECONDS
    assert known <= KNOWN_SECONDS


def test_a_chat_and_a_long_text_are_split_in_time(
    tab: Tab, open_site: Served, reference_data: Path
) -> None:
    template = (reference_data / "templates/Qwen-Qwen3-0.6B.jinja").read_text("utf-8")
    prose = (reference_data / "corpora/tinystories_B.txt").read_bytes()[:PROSE_NBYTES]
    work = TEXTS.format(words=WORDS, template=template, prose=prose.decode("utf-8", "ignore"))

    first, following, whole = in_tab(tab, open_site, reference_data, work)

    print(
        f"\n20 messages: {first * 1e3:.0f} ms, the next turn {following * 1e3:.0f} ms; "
        f"{PROSE_NBYTES:,} bytes of prose: {whole:.2f} s"
    )
    assert first <= CHAT_SECONDS
    assert following < first
    assert whole <= PROSE_SECONDS


def in_tab(tab: Tab, open_site: Served, reference_data: Path, work: str) -> Any:
    """Run Python in the worker of a page that is ready; return what it says as JSON."""
    path = reference_data / "vocabs/ggml-vocab-qwen2.gguf"
    open_site.files["/models/vocabulary.gguf"] = path
    tab.open(f"{open_site.url}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    source = READ.format(url=f"{open_site.url}models/vocabulary.gguf") + work
    return json.loads(tab.worker.evaluate("source => python.runPythonAsync(source)", source))
