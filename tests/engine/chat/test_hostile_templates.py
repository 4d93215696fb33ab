"""Hostile templates are refused or bounded: no code, a second, 64 MB, no deep recursion."""

import json
import time
import tracemalloc
from pathlib import Path

import pytest

from hostile_templates import ATTACKS, CODE
from wgslm.chat.template import ChatTemplate
from wgslm.errors import TemplateError

MEMORY = (
    "doubling", "escape", "hexadecimal literal", "kept deep: list", "lines", "list often", "output",
    "percent mapping", "reversed kept", "slices kept", "split", "title", "upper", "wide text",
)  # fmt: skip
HARMLESS = {
    "subscript": "",
    "map attribute": "[Undefined]",
    "selectattr": "[]",
    "sort attribute": "['', 'a']",
    "loop private": "",
    "namespace private": "",
    "strftime globals": "",
    "undefined": "",
    "generator frame": "",
}


def attack(source: str) -> str | None:
    """Render a hostile template; None says that it was refused."""
    try:
        template = ChatTemplate(source, bos_token="", eos_token="", specials=[])
        return "".join(
            segment.text for segment in template.render([{"role": "user", "content": "Hi"}])
        )
    except TemplateError as error:
        assert len(str(error)) < 1200
        return None


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_bounded_in_time_and_output(name: str) -> None:
    start = time.process_time()

    text = attack(ATTACKS[name])

    assert time.process_time() - start < 1
    assert text is None or len(text) < 1000


@pytest.mark.parametrize("name", CODE)
def test_a_template_reaches_no_code(name: str) -> None:
    assert attack(CODE[name]) == HARMLESS.get(name)


@pytest.mark.parametrize("name", MEMORY)
def test_an_attack_is_bounded_in_memory(name: str) -> None:
    tracemalloc.start()

    attack(ATTACKS[name])

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 << 20


def test_the_recorded_attacks_are_bounded(reference_data: Path) -> None:
    attacks = json.loads((reference_data / "template-attacks" / "attacks.json").read_text("utf-8"))

    for recorded in attacks:
        start = time.process_time()
        text = attack(recorded["template"])
        assert time.process_time() - start < 1, recorded["name"]
        if recorded["expect"] == "renders" or recorded["name"] == "mutate append":  # bounded
            assert text, recorded["name"]
        else:
            assert not text, recorded["name"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}", "steps"),
        ("{{ 'a' * 2000000000 }}", "bytes of text"),
        (
            "{% set x = [] %}"
            + "{% for i in range(9999) %}" * 2
            + "{{ x.append(i) }}"
            + "{% endfor %}" * 2,
            "steps",
        ),
        ("{% set x = [] %}{{ x.append(x) }}", "appends a list or an object to a list"),
        ("{{ messages.append('x') }}", "calls append on what it was given"),
        ("{{ messages.pop() }}", "calls pop on what it was given"),
        ("{{ ''.__class__.__mro__ }}", "attribute '__class__' of 'str' object is unsafe"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "calls itself more than 40 levels"),
        ("{{ " + "(" * 99 + "1" + ")" * 99 + " }}", "nested more than 40 levels deep on line 1"),
        ("\n\n{{ a.b.c }}", "fails on line 3 for this conversation: 'a' is undefined"),
        ("\n{{ 1 + }}", "malformed on line 2"),
        ("{{ 1|urlize }}", "No filter named 'urlize'"),
        ("{% include 'x' %}", "uses 'include' on line 1"),
        ("x" * 200_000, "200,000 characters; the limit is 131,072"),
    ],
)
def test_a_refusal_says_what_was_wrong(source: str, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        ChatTemplate(source, bos_token="", eos_token="", specials=[]).render(
            [{"role": "user", "content": "Hi"}]
        )
