// The signature of y = x W^T (+ bias) (+ residual) for many tokens
//
// W: [rows, groups * 32], one part of a matrix; x: [T, dim]; y, residual: [T, width], where row r
// gives column `column + r`; bias: from value bias_at on. `bias` and `residual` count only when
// params say so (1, else 0), and may otherwise be any buffer. They are no overrides: each would double
// the pipelines, of which a software adapter compiles one in half a second or more. And they are
// selected, not branched on: lavapipe compiles a shader anew for params that a branch compares
// (the page's model then decoded 23 tokens a second there instead of 70).

#import lib/step
#import quant

struct Params {
    rows: u32,
    groups: u32,
    dim4: u32,
    width: u32,
    column: u32,
    bias_at: u32,
    has_bias: u32,
    has_residual: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> quants: array<vec4u>;
@group(0) @binding(3) var<storage, read> scales: array<u32>;
@group(0) @binding(4) var<storage, read> x: array<vec4f>;
@group(0) @binding(5) var<storage, read> bias: array<f32>;
@group(0) @binding(6) var<storage, read> residual: array<f32>;
@group(0) @binding(7) var<storage, read_write> y: array<f32>;

fn finish(token: u32, row: u32, sum: f32) {
    let at = token * params.width + params.column + row;
    let b = select(0.0, bias[params.bias_at + row], params.has_bias != 0u);
    let value = sum + b + select(0.0, residual[at], params.has_residual != 0u);
    y[at] = value;
}
