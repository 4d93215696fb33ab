"""Messages are checked where they enter, and errors name the place."""

import pytest

from wgslm.chat.messages import Message, read_messages
from wgslm.chat.values import Reader
from wgslm.errors import RequestError


def read(*messages: Message, template: str = "") -> list[dict[str, object]]:
    return read_messages(messages, Reader(), template)


def nested(depth: int) -> object:
    value: object = "x"
    for _ in range(depth):
        value = [value]
    return value


def test_text_parts_are_joined() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]

    assert read({"role": "user", "content": parts}) == [{"role": "user", "content": "ab"}]


def test_other_fields_pass_through_and_null_means_absent() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": {"a": 1.5}}}
    message = {
        "role": "assistant",
        "content": None,
        "tool_calls": [call],
        "reasoning_content": "hm",
        "refusal": None,
    }

    assert read(message) == [{key: value for key, value in message.items() if key != "refusal"}]


def test_developer_is_system_unless_the_template_knows_it() -> None:
    message = {"role": "developer", "content": "x"}

    assert read(message)[0]["role"] == "system"
    assert read(message, template="{% if r == 'developer' %}")[0]["role"] == "developer"


def test_a_role_may_be_one_that_the_template_names() -> None:
    message = {"role": "documents", "content": "x"}

    assert read(message, template="{% if r == 'documents' %}")[0]["role"] == "documents"


@pytest.mark.parametrize(
    ("message", "param", "sentence"),
    [
        ("hello", "messages[0]", "messages[0] is of type str; a message is an object"),
        (
            {"content": "x"},
            "messages[0].role",
            "messages[0].role is None; it must be one of system",
        ),
        (
            {"role": "im_end", "content": "x"},
            "messages[0].role",
            "is 'im_end'; known roles: system",
        ),
        (
            {"role": "user"},
            "messages[0].content",
            "messages[0].content is missing; it must be a string",
        ),
        ({"role": "user", "content": None}, "messages[0].content", "content is missing"),
        (
            {"role": "user", "content": 3},
            "messages[0].content",
            "is of type int; it must be a string",
        ),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {}}]},
            "messages[0].content[0].type",
            "content[0] is of type 'image_url'; this version reads parts of type 'text'",
        ),
        ({"role": "user", "content": ["x"]}, "messages[0].content[0].type", "is of type 'str'"),
        (
            {"role": "user", "content": [{"type": "text"}]},
            "messages[0].content[0].text",
            "messages[0].content[0].text is no string",
        ),
        ({"role": "user", "content": "x", "name": 1}, "messages[0].name", "is no string"),
        (
            {"role": "assistant", "tool_calls": "x"},
            "messages[0].tool_calls",
            "is no list of objects",
        ),
        ({"role": "user", "content": "x", "a": {1: 2}}, "messages[0].a", "has the key 1"),
        ({"role": "user", "content": "x", "a": object()}, "messages[0].a", "is of type object"),
        ({"role": "user", "content": "x", "a": 2**2000}, "messages[0].a", "is an integer over"),
    ],
)
def test_a_wrong_message_is_named(message: Message, param: str, sentence: str) -> None:
    with pytest.raises(RequestError) as caught:
        read(message)

    assert caught.value.param == param
    assert sentence in str(caught.value)


def test_no_messages_are_refused() -> None:
    with pytest.raises(RequestError, match="at least one message"):
        read()


def test_nesting_is_bounded() -> None:
    read({"role": "user", "content": "x", "a": nested(60)})

    with pytest.raises(RequestError, match="nested more than 64 levels deep"):
        read({"role": "user", "content": "x", "a": nested(2000)})


def test_the_number_of_values_is_bounded() -> None:
    with pytest.raises(RequestError, match="more than 200,000 values"):
        read({"role": "user", "content": "x", "a": [0] * 200_001})
