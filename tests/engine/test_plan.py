"""Plans as data: their text, their counts, their memory."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

import tiny_models
from programs import tiny_plan
from wgslm.errors import GgufError, UnsupportedError
from wgslm.gguf import Directory
from wgslm.gpu import ALIGNMENT
from wgslm.kernels import Ref
from wgslm.kernels.attention import KvType, kv_row_nbytes
from wgslm.kernels.schedule import GPU, SOFTWARE
from wgslm.models import read_model
from wgslm.plan import Plan
from wgslm.plan.memory import merged, share
from wgslm.plan.tensors import Tensors
from wgslm.quants import QUANTS

STORED = Path(__file__).parent / "plans"
BY_NAME = {quant.name: quant for quant in QUANTS}
Q8_0 = BY_NAME["q8_0"]
each_architecture = pytest.mark.parametrize("name", tiny_models.ARCHITECTURES)


def plan_text(name: str) -> str:
    """Return one token by software, 16 tokens by GPU with the embedding in parts."""
    one = tiny_plan(name, Q8_0, SOFTWARE)
    many = tiny_plan(name, Q8_0, GPU, 16, binding_nbytes=72 << 10)
    return f"1 token, software\n{one}\n\n16 tokens, GPU, bindings of 72 KiB\n{many}\n"


@each_architecture
def test_plan_is_the_stored_one(name: str) -> None:
    """To store a new one: PYTHONPATH=engine:tests python tests/engine/test_plan.py"""
    assert plan_text(name) == (STORED / f"{name}.txt").read_text()


@pytest.mark.parametrize(
    ("name", "a_layer", "beside"),
    [("llama", 5, 3), ("llama-bias", 5, 3), ("qwen2", 5, 3), ("qwen3", 5, 3), ("gpt2", 8, 5)],
)
def test_dispatches_per_token(name: str, a_layer: int, beside: int) -> None:
    plan = tiny_plan(name, Q8_0, SOFTWARE)

    assert len(plan.dispatches) == tiny_models.LAYERS * a_layer + beside
    assert plan.layers == tiny_models.LAYERS


def test_counts_of_a_llama() -> None:
    layers = tiny_models.LAYERS

    assert tiny_plan("llama", Q8_0, GPU).counts() == Counter(
        embed=1, linear_vec=4 * layers + 1, attention_step=layers, sample=1,
    )  # fmt: skip


def test_only_the_last_token_reaches_the_head() -> None:
    plan = tiny_plan("llama", Q8_0, SOFTWARE, 128)

    head = [d for d in plan.dispatches if d.bindings.get("y") == plan.logits]
    assert [d.program.shader for d in head] == ["linear_rows"]
    assert plan.slots["logits"] == 4 * tiny_models.VOCAB


def test_every_token_reaches_the_head_when_asked() -> None:
    plan = tiny_plan("llama", Q8_0, SOFTWARE, 16, each=True)

    assert plan.slots["logits"] == 16 * 4 * tiny_models.VOCAB
    assert plan.counts()["sample"] == 0
    assert plan.body == plan.dispatches and not plan.candidates


def test_candidates_replace_the_draw() -> None:
    plan = tiny_plan("llama", Q8_0, SOFTWARE)

    assert plan.dispatches[-1].program.shader == "sample"
    assert plan.body == plan.dispatches[:-1]
    shaders = [dispatch.program.shader for dispatch in plan.candidates]
    assert shaders == ["top_chunks", "top_threshold", "top_collect"]


def all_plans() -> list[Plan]:
    return [
        tiny_plan(name, Q8_0, schedule, size, each=each)
        for name in tiny_models.ARCHITECTURES
        for schedule in (SOFTWARE, GPU)
        for size in (1, 16)
        for each in (False, True)
    ]


@pytest.mark.parametrize("plan", all_plans(), ids=lambda plan: f"{plan.size}")
def test_no_two_slots_in_use_share_a_buffer(plan: Plan) -> None:
    """Follow each buffer through the step: what a dispatch reads, the last writer was that slot."""
    place = share(plan).place
    holds: dict[int, str] = {}
    for dispatch in plan.dispatches:
        written = {b.name for b in dispatch.program.source().bindings if b.is_written}
        for binding, ref in dispatch.bindings.items():
            if ref.kind == "slot" and binding not in written:
                assert holds.get(place[ref.name]) == ref.name
        for binding in written:
            ref = dispatch.bindings[binding]
            if ref.kind == "slot":
                holds[place[ref.name]] = ref.name

    assert holds[place[plan.logits.name]] == plan.logits.name


@pytest.mark.parametrize("plan", all_plans(), ids=lambda plan: f"{plan.size}")
def test_no_buffer_is_read_and_written_in_one_dispatch(plan: Plan) -> None:
    place = share(plan).place

    def buffer(ref: Ref) -> object:
        return place[ref.name] if ref.kind == "slot" else (ref.kind, ref.name, ref.part)

    for dispatch in plan.dispatches:
        bindings = dispatch.program.source().bindings
        named = [(b, dispatch.bindings[b.name]) for b in bindings if b.access != "uniform"]
        written = [buffer(ref) for binding, ref in named if binding.is_written]
        read = {buffer(ref) for binding, ref in named if not binding.is_written}
        assert len(set(written)) == len(written)
        assert not read & set(written)


@pytest.mark.parametrize("plan", all_plans(), ids=lambda plan: f"{plan.size}")
def test_every_slot_fits_its_buffer(plan: Plan) -> None:
    layout = share(plan)

    assert set(layout.place) == set(plan.slots)
    assert all(size % ALIGNMENT == 0 for size in layout.sizes)
    for slot, index in layout.place.items():
        assert plan.slots[slot] <= layout.sizes[index]


def test_a_few_buffers_serve_all_layers() -> None:
    plan = tiny_plan("llama", Q8_0, SOFTWARE, 128)

    assert len(plan.slots) == 3 + 8 * tiny_models.LAYERS
    assert len(share(plan).sizes) == 3


def test_merged_buffers_hold_every_plan() -> None:
    layouts = [share(tiny_plan("llama", Q8_0, SOFTWARE, size)) for size in (1, 16, 128)]

    sizes = merged(layouts)

    for layout in layouts:
        assert all(n <= sizes[i] for i, n in enumerate(layout.sizes))
    assert merged([]) == ()


@each_architecture
def test_every_tensor_of_the_file_is_used(name: str) -> None:
    directory = tiny_models.directory(name, Q8_0, head=BY_NAME["q6_k"])
    tensors = Tensors(directory.tensors, 128 << 20)

    read_model(directory, None).record(tensors)

    assert tensors.unused() == []


def changed(directory: Directory, tensor: str, shape: tuple[int, ...]) -> Directory:
    tensors = dict(directory.tensors)
    tensors[tensor] = replace(tensors[tensor], shape=shape)
    return Directory(directory.metadata, tensors, 3, 32)


@pytest.mark.parametrize(
    ("name", "tensor", "shape", "message"),
    [
        ("llama", "output_norm.weight", (128,), "'output_norm.weight' has 128 values.*256"),
        ("llama", "blk.0.attn_q.weight", (128, 256), "'blk.0.attn_q.weight' has 128 values a row"),
        ("llama", "blk.1.attn_k.weight", (256, 96), "layer 1: the key projection"),
        ("llama", "blk.0.attn_v.weight", (256, 64), "layer 0"),
        ("llama", "blk.0.ffn_up.weight", (256, 480), "llama.feed_forward_length is 512"),
        ("llama", "blk.0.ffn_down.weight", (512, 128), "'blk.0.ffn_down.weight' has 128 rows"),
        ("qwen2", "blk.0.attn_q.bias", (128,), "'blk.0.attn_q.bias' has 128 values"),
        ("qwen3", "blk.0.attn_q_norm.weight", (32,), "'blk.0.attn_q_norm.weight' has 32 values"),
        ("gpt2", "position_embd.weight", (128, 300), "'position_embd.weight' has 128 values"),
        ("gpt2", "position_embd.weight", (256, 299), "'position_embd.weight' has 299 rows"),
    ],
)
def test_wrong_shapes_are_refused_by_name(
    name: str, tensor: str, shape: tuple[int, ...], message: str
) -> None:
    directory = changed(tiny_models.directory(name, BY_NAME["f32"]), tensor, shape)

    with pytest.raises(GgufError, match=message):
        read_model(directory, None).record(Tensors(directory.tensors, 128 << 20))


@pytest.mark.parametrize(
    ("kv", "nbytes"), [("f32", 256), ("f16", 128), ("q8_0", 64 + 2 * 2), ("q4_0", 32 + 2 * 2)]
)
def test_bytes_of_the_cache(kv: KvType, nbytes: int) -> None:
    plan = tiny_plan("llama", Q8_0, SOFTWARE, kv=kv)

    caches = {s.name: s.nbytes for s in plan.states if s.name.startswith("cache.")}
    names = [f"cache.{which}.{layer}" for layer in range(tiny_models.LAYERS) for which in "kv"]
    assert caches == dict.fromkeys(names, tiny_models.KV_HEADS * tiny_models.CONTEXT * nbytes)


def test_an_odd_block_leaves_half_a_word() -> None:
    assert [kv_row_nbytes("q8_0", dim) for dim in (32, 96, 128)] == [36, 104, 136]
    assert [kv_row_nbytes("q4_0", dim) for dim in (32, 96, 128)] == [20, 56, 72]


@pytest.mark.parametrize("kv", ["q8_0", "q4_0"])
def test_heads_that_fill_no_blocks_are_refused(kv: KvType) -> None:
    with pytest.raises(UnsupportedError, match=f"a {kv} cache holds blocks of 32 .* have 80"):
        kv_row_nbytes(kv, 80)


@pytest.mark.parametrize("tensor", ["blk.1.ffn_down.weight", "output_norm.weight"])
def test_a_missing_tensor_is_named(tensor: str) -> None:
    directory = tiny_models.directory("llama", Q8_0)
    tensors = {name: info for name, info in directory.tensors.items() if name != tensor}

    with pytest.raises(GgufError, match=f"no tensor '{tensor}'"):
        read_model(directory, None).record(Tensors(tensors, 128 << 20))


@pytest.mark.parametrize(
    ("key", "value", "error", "message"),
    [
        ("general.architecture", "mamba", UnsupportedError, "'mamba'; supported: gpt2, llama"),
        ("llama.expert_count", 8, UnsupportedError, "mixtures of experts"),
        ("llama.attention.head_count", 0, GgufError, "at least 1"),
        ("llama.attention.head_count_kv", 3, GgufError, "must divide the 4 heads"),
        ("llama.rope.dimension_count", 32, GgufError, "must be the head size 64"),
        ("llama.rope.dimension_count", 0, GgufError, "must be even and 2 to 64"),
        ("llama.rope.freq_base", 1.0, GgufError, "must be above 1"),
        ("llama.rope.scaling.type", "longrope", UnsupportedError, "none, linear, yarn"),
        ("llama.attention.layer_norm_rms_epsilon", 0.0, GgufError, "between 0 and 1"),
        ("llama.attention.value_length", 32, UnsupportedError, "must equal the key length"),
        ("llama.block_count", 100000, GgufError, "at most 1,024"),
    ],
)
def test_wrong_metadata_is_refused(
    key: str, value: object, error: type[Exception], message: str
) -> None:
    directory = tiny_models.directory("llama", Q8_0)
    metadata = {**directory.metadata, key: value}

    with pytest.raises(error, match=message):
        read_model(Directory(metadata, directory.tensors, 3, 32), None)  # type: ignore[arg-type]


if __name__ == "__main__":
    for architecture in tiny_models.ARCHITECTURES:
        (STORED / f"{architecture}.txt").write_text(plan_text(architecture))
