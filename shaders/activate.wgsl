// y = act(gate) * up, or without GATED y = act(x); act is silu, or with GELU gelu's tanh form
//
// gate, up, y: [T, dim]. One lane per value; tokens on grid y.
// gelu(x) = x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))), as in the GPT-2 code.
// Twin: tests/twins/activate.py

#import lib/step

override GATED: bool = true;
override GELU: bool = false;

struct Params {
    dim: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> gate: array<f32>;
@group(0) @binding(3) var<storage, read> up: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

fn activated(x: f32) -> f32 {
    if GELU {
        // tanh overflows to NaN on some drivers for large arguments; at 15 it is 1 in f32
        let inner = clamp(0.7978845608 * (x + 0.044715 * x * x * x), -15.0, 15.0);
        return 0.5 * x * (1.0 + tanh(inner));
    }
    return x / (1.0 + exp(-x));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.y >= step_count() || id.x >= params.dim {
        return;
    }
    let at = id.y * params.dim + id.x;
    var value = activated(gate[at]);
    if GATED {
        value *= up[at];
    }
    y[at] = value;
}
