// y = act(gate) * up, or without GATED y = act(gate); act is silu or gelu (lib/activation)
//
// x: [T, stride], gates from column `gate` on, the others from `up` on; y: [T, dim]. One lane per
// value; tokens on grid y.
// Twin: tests/twins/activate.py

#import lib/activation
#import lib/step

override GATED: bool = true;

struct Params {
    dim: u32,
    stride: u32,
    gate: u32,
    up: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.y >= step_count() || id.x >= params.dim {
        return;
    }
    let from_row = id.y * params.stride + id.x;
    var value = activated(x[from_row + params.gate]);
    if GATED {
        value *= x[from_row + params.up];
    }
    y[id.y * params.dim + id.x] = value;
}
