"""Every program that a plan can ask for is accepted by naga, with the layout that Python parsed."""

import asyncio
from itertools import product
from pathlib import Path

import pytest

from programs import all_programs, tiny_plan
from tiny_models import ARCHITECTURES
from wgslm.errors import ShaderError
from wgslm.gpu import Device, Job, Program, View, wgsl
from wgslm.gpu.wgsl import Binding, Shader, load
from wgslm.kernels.schedule import GPU, SOFTWARE
from wgslm.quants import QUANTS

ROOT = Path(__file__).parents[2]


@pytest.mark.gpu
def test_every_program_compiles_and_binds(device: Device) -> None:
    """The layout comes from the parsed signature, so a wrong one fails at the bind group."""

    programs = [p for p in all_programs() if not p.source().directives or device.features]

    async def compile_all() -> None:
        await device.compile(programs)
        buffers = [device.create_buffer(1024, f"binding {i}") for i in range(8)]
        for program in programs:
            shader = program.source()
            storage = [binding for binding in shader.bindings if binding.access != "uniform"]
            views = tuple(View(buffers[i], 0, 1024) for i in range(len(storage)))
            params = shader.pack(dict.fromkeys((name for name, _ in shader.params), 1))
            device.release(device.record([Job(program, params, views, (1, 1, 1))]))
        for buffer in buffers:
            device.destroy_buffer(buffer)
        await device.idle()

    asyncio.run(compile_all())


def test_every_shader_is_used_by_some_plan() -> None:
    files = {path.stem for path in (ROOT / "shaders").glob("*.wgsl")}

    assert files == {program.shader for program in all_programs()}


def test_storage_bindings_are_eight_at_most() -> None:
    for shader in {program.source().text: program.source() for program in all_programs()}.values():
        bindings = shader.bindings

        storage = [binding for binding in bindings if binding.access != "uniform"]
        assert [binding.index for binding in bindings] == list(range(len(bindings)))
        assert bindings[0] == Binding(0, "uniform", "params")
        assert len(storage) == len(bindings) - 1 <= 8


@pytest.mark.parametrize("name", ["f32", "iq3_s", "q6_k"])
def test_all_programs_are_those_that_plans_ask_for(name: str) -> None:
    """Plans are lowered for Q8_0 there; what another format asks for must be among them."""
    (quant,) = (quant for quant in QUANTS if quant.name == name)
    known = set(all_programs())

    for architecture in ARCHITECTURES:
        for schedule, size in product((SOFTWARE, GPU), (1, 16)):
            plan = tiny_plan(architecture, quant, schedule, size)
            assert known.issuperset(dispatch.program for dispatch in plan.dispatches)


def rmsnorm() -> Shader:
    return load("rmsnorm", reduce="lib/reduce_tree")


def test_the_shader_is_the_signature() -> None:
    shader = rmsnorm()

    assert shader.params == (
        ("dim", "u32"), ("per_token", "u32"), ("stride", "u32"), ("offset", "u32"), ("eps", "f32"),
    )  # fmt: skip
    assert shader.bindings[2] == Binding(2, "storage, read", "x")
    assert shader.bindings[-1] == Binding(4, "storage, read_write", "y")
    assert shader.bindings[-1].is_written
    assert shader.constant("WG") == 64


def test_params_are_packed_in_the_order_of_the_struct() -> None:
    packed = rmsnorm().pack({"eps": 0.5, "dim": 3, "offset": 5, "stride": 4, "per_token": 2})

    assert packed == b"\3\0\0\0\2\0\0\0\4\0\0\0\5\0\0\0\0\0\0\x3f"


def test_missing_and_unknown_params_are_refused() -> None:
    with pytest.raises(ShaderError, match="rmsnorm"):
        rmsnorm().pack({"dim": 3})
    with pytest.raises(ShaderError, match="rmsnorm"):
        rmsnorm().pack(dict.fromkeys(("dim", "per_token", "stride", "offset", "eps", "more"), 1))


def test_an_unknown_shader_is_named() -> None:
    with pytest.raises(ShaderError, match="no shader 'nope'"):
        load("nope")


@pytest.mark.gpu
@pytest.mark.parametrize("mistake", ["const B = missing;", "const B = ;"])
def test_a_compile_error_names_the_file_and_the_line(
    device: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mistake: str
) -> None:
    (tmp_path / "lib.wgsl").write_text(f"const A = 1u;\n{mistake}\n")
    (tmp_path / "bad.wgsl").write_text("const C = 1u;\n#import lib\n")
    monkeypatch.setattr(wgsl, "shader_root", lambda: tmp_path)

    with pytest.raises(ShaderError, match=r"shaders/lib\.wgsl:2: "):
        asyncio.run(device.compile([Program("bad")]))
