"""OpenAI requests and responses as pure functions."""

from collections.abc import Mapping
from dataclasses import fields

import pytest

from wgslm.chat.events import (
    Done,
    Likelihood,
    TextDelta,
    Timings,
    TokenChance,
    ToolCallVoid,
    Usage,
)
from wgslm.errors import RequestError
from wgslm.sampling import Sampling
from wgslm_web.wire import openai
from wgslm_web.wire.openai import Head, chat_request

HELLO = [{"role": "user", "content": "Hello"}]
DONE = Done("stop", Usage(10, 4, 6), Timings(20.0, 40.0, 25.0), (1, 2))


def ask(**fields: object) -> openai.ChatRequest:
    return chat_request({"messages": HELLO, **fields}, Sampling())


def refusal(body: Mapping[str, object]) -> RequestError:
    with pytest.raises(RequestError) as caught:
        chat_request(body, Sampling())
    return caught.value


def test_every_generation_field_reaches_the_options() -> None:
    request = ask(
        temperature=0.5,
        top_k=7,
        top_p=0.9,
        min_p=0.1,
        repeat_penalty=1.1,
        repeat_last_n=32,
        typical_p=0.8,
        presence_penalty=-1,
        frequency_penalty=0.5,
        logit_bias={"7": -100, "12": 0.5},
        seed=42,
        max_completion_tokens=12,
        stop=["END", "\n\n"],
        dry_multiplier=0.8,
        dry_base=2,
        dry_allowed_length=3,
        dry_penalty_last_n=100,
        dry_sequence_breakers=["\n", "."],
        top_n_sigma=1.5,
        xtc_probability=0.5,
        xtc_threshold=0.2,
        dynatemp_range=0.25,
        dynatemp_exponent=1.5,
        mirostat=0,
        mirostat_tau=4,
        mirostat_eta=0.2,
        ignore_eos=True,
        min_tokens=3,
        logprobs=True,
        top_logprobs=5,
        n=2,
    )

    sampling = request.options.sampling
    assert (sampling.temperature, sampling.top_k, sampling.top_p) == (0.5, 7, 0.9)
    assert (sampling.min_p, sampling.repeat_penalty, sampling.repeat_last_n) == (0.1, 1.1, 32)
    assert (sampling.typical_p, sampling.presence_penalty) == (0.8, -1)
    assert sampling.frequency_penalty == 0.5
    assert sampling.logit_bias == ((7, -100), (12, 0.5))
    assert sampling.seed == 42
    assert (sampling.dry_multiplier, sampling.dry_base) == (0.8, 2)
    assert (sampling.dry_allowed_length, sampling.dry_penalty_last_n) == (3, 100)
    assert sampling.dry_sequence_breakers == ("\n", ".")
    assert (sampling.xtc_probability, sampling.xtc_threshold) == (0.5, 0.2)
    assert (sampling.dynatemp_range, sampling.dynatemp_exponent) == (0.25, 1.5)
    assert (sampling.mirostat_tau, sampling.mirostat_eta) == (4, 0.2)
    assert (sampling.top_n_sigma, request.choices) == (1.5, 2)
    assert (request.options.ignore_eos, request.options.min_tokens) == (True, 3)
    assert request.options.logprobs == 5
    assert ask(mirostat=2).options.sampling.mirostat == 2
    assert request.options.max_tokens == 12
    assert request.options.stop == ("END", "\n\n")


def test_one_stop_string_may_stand_alone() -> None:
    assert ask(stop="END").options.stop == ("END",)


def test_every_field_of_sampling_has_a_name() -> None:
    unknown = [field.name for field in fields(Sampling) if field.name not in openai.KNOWN]

    assert unknown == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, None),
        ({"logprobs": False, "top_logprobs": 0}, None),
        ({"logprobs": True}, 0),
        ({"logprobs": True, "top_logprobs": 20}, 20),
    ],
)
def test_how_many_log_probabilities_are_asked_for(
    given: Mapping[str, object], expected: int | None
) -> None:
    assert ask(**given).options.logprobs == expected


def test_null_fields_are_absent() -> None:
    assert ask(temperature=None, stop=None, tools=None, n=None).options == ask().options


def test_text_parts_are_joined_and_names_are_kept() -> None:
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    request = chat_request(
        {"messages": [{"role": "developer", "content": parts}, {**HELLO[0], "name": "Ada"}]},
        Sampling(),
    )

    assert request.messages == [
        {"role": "developer", "content": "one\ntwo"},
        {"role": "user", "content": "Hello", "name": "Ada"},
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("modalities", ["text", "audio"]),
        ("cache_prompt", False),
    ],
)
def test_a_field_that_would_change_the_answer_is_refused_by_name(name: str, value: object) -> None:
    error = refusal({"messages": HELLO, name: value})

    assert error.param == name
    assert "not supported yet" in str(error)


@pytest.mark.parametrize("name", ["user", "metadata", "store", "service_tier"])
def test_a_field_that_cannot_change_the_answer_is_accepted(name: str) -> None:
    assert ask(**{name: "x"}) == ask()


@pytest.mark.parametrize(
    ("name", "value"),
    [("n", 1), ("tools", []), ("logprobs", False), ("response_format", {"type": "text"})],
)
def test_asking_for_nothing_unsupported_is_accepted(name: str, value: object) -> None:
    assert ask(**{name: value}) == ask()


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"temprature": 1}, "temprature"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"temperature": -1}, "temperature"),
        ({"temperature": 10**400}, "temperature"),
        ({"top_k": 1.5}, "top_k"),
        ({"presence_penalty": 3}, "presence_penalty"),
        ({"logit_bias": [5]}, "logit_bias"),
        ({"logit_bias": {"x": 1}}, "logit_bias"),
        ({"logit_bias": {"-1": 1}}, "logit_bias"),
        ({"logit_bias": {"5": "much"}}, "logit_bias.5"),
        ({"logit_bias": {"5": 101}}, "logit_bias"),
        ({"logit_bias": {"5": 1, "05": 1}}, "logit_bias"),
        ({"dry_multiplier": -1}, "dry_multiplier"),
        ({"dry_sequence_breakers": "x"}, "dry_sequence_breakers"),
        ({"dry_sequence_breakers": [1]}, "dry_sequence_breakers"),
        ({"dry_sequence_breakers": [""]}, "dry_sequence_breakers"),
        ({"top_n_sigma": "all"}, "top_n_sigma"),
        ({"xtc_probability": 2}, "xtc_probability"),
        ({"dynatemp_range": -1}, "dynatemp_range"),
        ({"mirostat": 3}, "mirostat"),
        ({"mirostat": True}, "mirostat"),
        ({"mirostat": 2, "xtc_probability": 0.5}, "xtc_probability"),
        ({"ignore_eos": 1}, "ignore_eos"),
        ({"min_tokens": -1}, "min_tokens"),
        ({"min_tokens": 6, "max_tokens": 5}, "min_tokens"),
        ({"logprobs": 3}, "logprobs"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": -1}, "top_logprobs"),
        ({"n": 0}, "n"),
        ({"n": 129}, "n"),
        ({"n": True}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 5, "max_completion_tokens": 6}, "max_completion_tokens"),
        ({"stop": [""]}, "stop"),
        ({"stop": 5}, "stop"),
        ({"stop": ["x"] * 17}, "stop"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stream": True, "stream_options": {"usage": True}}, "stream_options.usage"),
        ({"model": 5}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": "Hello"}, "messages"),
        ({"messages": ["Hello"]}, "messages[0]"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "pirate", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": []}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": "x", "mood": 1}]}, "messages[0].mood"),
        (
            {"messages": [{"role": "assistant", "content": "", "tool_calls": [{}]}]},
            "messages[0].tool_calls[0].function.name",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "messages[0].content[0].type",
        ),
    ],
)
def test_a_bad_request_names_the_field(fields: Mapping[str, object], param: str) -> None:
    error = refusal({"messages": HELLO, **fields})

    assert error.param == param
    assert param.split(".")[-1].split("[")[0] in str(error)


def test_chunks_have_openais_shape() -> None:
    head = Head("chatcmpl-1", "m", 5)

    opening = openai.opening_chunk(head)
    (text,) = openai.delta_chunks(head, TextDelta("Hi", (1, 2)))
    last = openai.finish_chunk(head, DONE)

    assert opening["choices"] == [
        {
            "index": 0,
            "delta": {"role": "assistant", "content": ""},
            "logprobs": None,
            "finish_reason": None,
        }
    ]
    assert text["choices"][0]["delta"] == {"content": "Hi"}  # type: ignore[index]
    assert "tokens" not in text
    assert last["choices"][0]["finish_reason"] == "stop"  # type: ignore[index]
    assert all(chunk["object"] == "chat.completion.chunk" for chunk in (opening, text, last))


def test_timings_have_llama_cpps_names() -> None:
    assert openai.timings(DONE) == {
        "cache_n": 6,
        "prompt_n": 4,
        "prompt_ms": 20.0,
        "prompt_per_second": 200.0,
        "predicted_n": 4,
        "predicted_ms": 40.0,
        "predicted_per_second": 75.0,
        "first_token_ms": 25.0,
    }


def test_usage_comes_in_a_last_chunk_of_its_own_when_asked_for() -> None:
    head = Head("chatcmpl-1", "m", 5, include_usage=True)

    finish = openai.finish_chunk(head, DONE)
    (last,) = openai.usage_chunks(head, [DONE])

    assert openai.usage_chunks(Head("chatcmpl-1", "m", 5), [DONE]) == []
    assert finish["usage"] is None
    assert last["choices"] == []
    assert last["usage"] == {
        "prompt_tokens": 10,
        "completion_tokens": 4,
        "total_tokens": 14,
        "prompt_tokens_details": {"cached_tokens": 6},
    }
    assert "timings" in last


def test_ids_come_only_when_asked_for() -> None:
    plain, with_ids = Head("c", "m", 5), Head("c", "m", 5, return_tokens=True)

    assert "tokens" not in openai.completion(plain, [([TextDelta("Hi")], DONE)])
    assert openai.completion(with_ids, [([TextDelta("Hi")], DONE)])["tokens"] == [1, 2]
    assert openai.delta_chunks(with_ids, TextDelta("Hi", (1, 2)))[0]["tokens"] == [1, 2]


HALF = Likelihood(7, b"\xe2\x82", -0.5)
CHANCES = (
    TokenChance(7, b"\xe2\x82", -0.5, (HALF, Likelihood(2, b"<eos>", -1.5))),
    TokenChance(8, b"\xac", -2.25),
)
TOLD = {
    "content": [
        {
            "id": 7,
            "token": "\ufffd",
            "logprob": -0.5,
            "bytes": [0xE2, 0x82],
            "top_logprobs": [
                {"id": 7, "token": "\ufffd", "logprob": -0.5, "bytes": [0xE2, 0x82]},
                {"id": 2, "token": "<eos>", "logprob": -1.5, "bytes": list(b"<eos>")},
            ],
        },
        {"id": 8, "token": "\ufffd", "logprob": -2.25, "bytes": [0xAC], "top_logprobs": []},
    ],
    "refusal": None,
}


def test_log_probabilities_have_openais_shape() -> None:
    head = Head("c", "m", 5, index=3)
    whole = openai.completion(head, [([TextDelta("\u20ac", (7, 8), CHANCES)], DONE)])
    (chunk,) = openai.delta_chunks(head, TextDelta("\u20ac", (7, 8), CHANCES))
    (bare,) = openai.delta_chunks(head, ToolCallVoid(0, (7, 8), CHANCES))

    assert whole["choices"][0]["logprobs"] == TOLD  # type: ignore[index]
    assert chunk["choices"][0]["logprobs"] == TOLD  # type: ignore[index]
    assert bare["choices"][0]["logprobs"] == TOLD  # type: ignore[index]
    assert chunk["choices"][0]["index"] == 3  # type: ignore[index]


def test_several_answers_count_their_prompt_once() -> None:
    head = Head("c", "m", 5, return_tokens=True)
    second = Done("length", Usage(10, 7, 9), Timings(1.0, 70.0, 2.0), (3,))
    answer = openai.completion(head, [([TextDelta("a")], DONE), ([TextDelta("b")], second)])

    choices = answer["choices"]
    assert [choice["index"] for choice in choices] == [0, 1]  # type: ignore[attr-defined]
    assert [choice["tokens"] for choice in choices] == [[1, 2], [3]]  # type: ignore[attr-defined]
    assert [c["finish_reason"] for c in choices] == ["stop", "length"]  # type: ignore[attr-defined]
    assert "tokens" not in answer
    assert answer["usage"] == {
        "prompt_tokens": 10,
        "completion_tokens": 11,
        "total_tokens": 21,
        "prompt_tokens_details": {"cached_tokens": 6},
    }
    assert answer["timings"]["predicted_ms"] == 110.0  # type: ignore[index]
