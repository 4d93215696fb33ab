"""What a template is given, what it may do, and what the caller hears."""

from datetime import datetime

import pytest

from plain_jinja import plain_jinja
from wgslm.chat.template import ChatTemplate
from wgslm.errors import RequestError, TemplateError
from wgslm.text.segment import Segment

HI = [{"role": "user", "content": "Hi"}]
SYSTEM = {"role": "system", "content": "Be brief."}


def make(source: str) -> ChatTemplate:
    return ChatTemplate(
        source,
        bos_token="<s>",
        eos_token="</s>",
        specials=["<s>", "</s>"],
        clock=lambda: datetime(2025, 7, 26),
    )


def text(source: str, **variables: object) -> str:
    prompt = make(source).render(HI, add_generation_prompt=True, tools=None, variables=variables)
    return "".join(segment.text for segment in prompt)


def test_a_template_of_the_file_says_so() -> None:
    assert make("x").origin == "from the file"


def test_without_a_template_the_prompt_is_chatml_and_says_so() -> None:
    template = make("")

    prompt = template.render([SYSTEM, *HI, {"role": "assistant", "content": "Ho"}, *HI])

    assert template.origin == "ChatML (the file has no template)"
    assert prompt == [
        Segment(
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
            "<|im_start|>assistant\nHo<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
            "<|im_start|>assistant\n",
            True,
        )
    ]


def test_without_a_template_tools_are_refused() -> None:
    with pytest.raises(TemplateError, match="the built-in ChatML format has no tools"):
        make("").render(HI, tools=[{"type": "function"}])


def test_no_generation_prompt_when_none_is_asked_for() -> None:
    assert make("").render(HI, add_generation_prompt=False)[0].text.endswith("<|im_end|>\n")


def test_the_template_reads_tokens_tools_and_variables() -> None:
    source = "{{ bos_token }}{{ eos_token }}{{ tools }}{{ documents }}{{ enable_thinking }}"

    assert text(source, enable_thinking=True) == "<s></s>NoneNoneTrue"


@pytest.mark.parametrize("name", ["raise_exception", "bos_token", "range", "strftime_now"])
def test_a_caller_cannot_replace_what_templates_rely_on(name: str) -> None:
    with pytest.raises(RequestError, match=f"'{name}' cannot be set") as caught:
        text("", **{name: 1})

    assert caught.value.param == name


def test_the_clock_is_the_callers() -> None:
    assert text("{{ strftime_now('%d %b %Y') }}") == "26 Jul 2025"


def test_a_template_refuses_in_its_own_words() -> None:
    with pytest.raises(TemplateError, match=r"^No way!$"):
        text("{{ raise_exception('No way!') }}")


def test_a_system_message_joins_the_users_where_the_template_refuses_it() -> None:
    source = (
        "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}"
        "{% endif %}{{ m.role }}:{{ m.content }};{% endfor %}"
    )
    template = make(source)

    prompt = template.render([SYSTEM, *HI])

    assert not template.takes_system
    assert prompt == [Segment("user:Be brief.\nHi;", True)]


def test_a_system_message_joins_the_users_where_the_template_drops_it() -> None:
    source = (
        "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}"
    )

    assert make(source).render([SYSTEM, *HI]) == [Segment("Be brief.\nHi", True)]


def test_a_system_message_alone_becomes_the_users() -> None:
    source = "{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}"

    assert make(source).render([SYSTEM]) == [Segment("Be brief.", True)]


def test_a_template_that_always_fails_is_heard_in_its_own_words() -> None:
    with pytest.raises(TemplateError, match=r"^never$"):
        make("{{ raise_exception('never') }}").render([SYSTEM, *HI])


def test_macros_recurse_as_deep_as_schemas_do() -> None:
    source = (
        "{% macro f(n) %}({% if n %}{{ f(n - 1) }}{% endif %}){% endmacro %}{{ f(38) }}"
        "{% macro g(n) %}{% for x in [n] if x and g(x - 1) %}{{ x }}{% endfor %}{% endmacro %}"
        "{{ g(2) }}"
    )

    assert text(source) == "(" * 39 + ")" * 39


def test_renderings_share_nothing() -> None:
    template = make("{% set c = cycler('a', 'b') %}{{ c.next() }}{{ messages|length }}")

    assert template.render(HI) == template.render(HI)


def test_the_callers_messages_stay_as_they_are() -> None:
    message = {"role": "user", "content": [{"type": "text", "text": "</s>"}], "name": None}

    make("{{ messages[0].content }}").render([message])

    assert message == {"role": "user", "content": [{"type": "text", "text": "</s>"}], "name": None}


@pytest.mark.parametrize(
    "source",
    [
        "{{ {'é': [1, 'a<b>', None]}|tojson }}",
        "{{ {'b': 'é', 'a': 1}|tojson(ensure_ascii=True, indent=2, sort_keys=True) }}",
        "{{ [1, {'a': 2}]|tojson(separators=(',', ':')) }}",
        "{% for i in range(9) %}{% if i == 2 %}{% continue %}{% endif %}"
        "{% if i == 5 %}{% break %}{% endif %}{{ i }}{% endfor %}",
        "{% generation %}{% set x = 1 %}{{ x }}{% endgeneration %}{{ x }}",
        "{% set ns = namespace(a=1) %}{% for i in range(3) %}{% set ns.a = ns.a + i %}{% endfor %}"
        "{{ ns.a }}",
        "{% macro f(a, b=2) %}{{ a }}{{ b }}{{ varargs }}{{ kwargs }}"
        "{% endmacro %}{{ f(1, 2, 3, c=4) }}",
        "{% macro f() %}<{{ caller('x') }}>{% endmacro %}{% call(y) f() %}{{ y }}!{% endcall %}",
        "{% for k, v in {'b': 1, 'a': 2}|dictsort %}{{ k }}{{ v }}{{ loop.last }}{% endfor %}",
        "{% for k, v in {'b': 1}.items() %}{{ k }}{{ v }}{% endfor %}{{ {'b': 1}.values()|list }}",
        "{{ [3, 1, 2]|sort(reverse=true) }}{{ [1, 1]|unique|list }}"
        "{{ [1, 2]|sum }}{{ [1, 2]|max }}",
        "{{ messages|map(attribute='role')|join(', ') }}{{ ['a', 'b']|map('upper')|list }}",
        "{{ messages|selectattr('role', 'equalto', 'user')|list|length }}",
        "{% if messages|selectattr('role', 'equalto', 'nobody') %}true like a generator{% endif %}",
        "{{ ' a b '.strip().split(' ') }}{{ 'a-b'.partition('-') }}{{ 'abc'.replace('b', 'x') }}",
        "{{ 'a,b,c'.rsplit(',', 1) }}{{ 'abc'.rfind('c') }}{{ 'Ab'.swapcase() }}"
        "{{ 'a\nb'.splitlines() }}",
        "{{ 'abc'[::-1] }}{{ 'abc'[1:] }}{{ messages[-1:][0].role }}{{ [1, 2, 3][:2] }}",
        "{{ '%s-%03d-%.2f' % ('a', 7, 1.5) }}{{ '%(a)s' % {'a': 1} }}{{ '%s!'|format('a') }}",
        "{{ '{}{}'.format(1, 'b') }}{{ '{1}{0}'.format(1, 2) }}"
        "{{ '{a:>4}{b!r}'.format(a=1, b='c') }}",
        "{{ 7 // 2 }}{{ 7 % 2 }}{{ 2 ** 10 }}{{ -7 }}{{ 7 / 2 }}{{ 'a' * 3 }}{{ [1] * 2 + [3] }}",
        "{{ 'a' in 'abc' }}{{ 'a' not in ['b'] }}{{ 1 < 2 < 3 }}"
        "{{ 'x' in {'x': 1} }}{{ 1 in (2, 3) }}",
        "{{ 'a' ~ 1 ~ none ~ nothing }}{{ nothing is defined }}{{ nothing|default('d') }}",
        "{{ 'a\nb'|indent(2) }}{{ 'a\nb'|indent(2, first=true) }}{{ 'hello world'|title }}",
        "{{ '<b>'|e }}{{ '<b>'|safe + '<i>' }}{{ '42'|int + 1 }}{{ '1.5'|float }}"
        "{{ 2.567|round(2) }}",
        "{% filter upper %}a{{ 'b' }}{% endfilter %}{% set x %}c{{ 'd' }}{% endset %}{{ x }}",
        "{% set x | upper %}a{% endset %}{{ x }}{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}",
        "{% for x in [[1, [2, [3]]]] recursive %}{{ x if x is number else loop(x) }}{% endfor %}",
        "{% set j = joiner(', ') %}{% for i in range(3) %}{{ j() }}{{ i }}{% endfor %}",
        "{% for a, b in [(1, 2), (3, 4)] if a > 1 %}{{ a }}{{ b }}{% else %}none{% endfor %}",
        "{% for m in messages %}{{ loop.previtem }}{{ loop.cycle('x', 'y') }}"
        "{{ loop.revindex }}{% endfor %}",
        "{{ 6 is divisibleby(3) }}{{ 'a' is in(['a']) }}{{ {} is mapping }}{{ [] is sequence }}",
        "{{ messages[0]['role'] }}{{ messages[0].get('x', 'y') }}{{ messages[0].nothing }}",
        "{{ {'a': {'b': [1, (2, 3)]}} }}{{ dict(a=1) }}{{ [1, 2]|first }}{{ [1, 2]|last }}",
        "  {% if true %}\n  a\n  {%- endif %}\n{# c #}\n  b\n",
        "{{ 'b' if false }}{{ not true or true and false }}{{ [[1, 2], [3]]|sum(start=[]) }}",
    ],
)
def test_jinja_works_as_usual(source: str) -> None:
    assert text(source) == plain_jinja(source, HI, bos_token="<s>", eos_token="</s>")
