// y = x W^T (+ bias) (+ residual), for many tokens: the schedule of software adapters
//
// W: [rows, groups * 32], one part of a matrix with `width` rows in all; x: [T, dim];
// y: [T, width]. One lane computes ROWS rows for TOKENS tokens without a reduction; lanes of a
// workgroup take consecutive rows, so that x is the same for all. Grid x: rows, y: tokens.
// Twin: tests/twins/linear.py

const ROWS = 2u;
const TOKENS = 8u;
#import lib/dot32
#import lib/finish
#import lib/step
#import quant

struct Params {
    rows: u32,
    groups: u32,
    dim4: u32,
    first_row: u32,
    width: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> quants: array<vec4u>;
@group(0) @binding(3) var<storage, read> scales: array<u32>;
@group(0) @binding(4) var<storage, read> x: array<vec4f>;
@group(0) @binding(5) var<storage, read> bias: array<f32>;
@group(0) @binding(6) var<storage, read> residual: array<f32>;
@group(0) @binding(7) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(8)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = (group.x * 8u + lane) * ROWS;
    let token = group.y * TOKENS;
    let count = step_count();
    if row >= params.rows || token >= count {
        return;
    }
    let last = params.rows - 1u;
    var sum = array<f32, 16>(); // [ROWS, TOKENS]
    for (var j = 0u; j < params.groups; j++) {
        for (var r = 0u; r < ROWS; r++) {
            let w = decode32(min(row + r, last) * params.groups + j);
            for (var t = 0u; t < TOKENS; t++) {
                let at = min(token + t, count - 1u) * params.dim4 + j * 8u;
                sum[r * TOKENS + t] += dot32(w, at, params.dim4 - j * 8u);
            }
        }
    }
    for (var r = 0u; r < ROWS; r++) {
        for (var t = 0u; t < TOKENS; t++) {
            if row + r <= last && token + t < count {
                finish(token + t, row + r, sum[r * TOKENS + t]);
            }
        }
    }
}
