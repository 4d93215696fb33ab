// y = W x (+ bias) (+ residual), for one token
//
// W: [rows, groups * 32], one part of a matrix with `width` rows in all; x: [dim]; y: [width].
// One workgroup computes TILE_ROWS rows, LANES lanes each; neighbouring lanes read neighbouring
// weights. Grid x, folded.
// Twin: tests/twins/linear.py

const TILE_ROWS = 4u;
const LANES = 16u; // of a row
#import lib/dot32
#import lib/finish
#import quant

struct Params {
    rows: u32,
    groups: u32,
    dim4: u32,
    first_row: u32,
    width: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> quants: array<vec4u>;
@group(0) @binding(2) var<storage, read> scales: array<u32>;
@group(0) @binding(3) var<storage, read> x: array<vec4f>;
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read> residual: array<f32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;

var<workgroup> partial: array<f32, 64>; // [TILE_ROWS, LANES]

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = (group.y * 32768u + group.x) * TILE_ROWS + lane / LANES;
    let column = lane % LANES;
    var sum = 0.0;
    if row < params.rows {
        for (var j = column; j < params.groups; j += LANES) {
            let v = x32(j * 8u, params.dim4 - j * 8u);
            sum += dot32(decode32(row * params.groups + j), v);
        }
    }
    partial[lane] = sum;
    workgroupBarrier();
    for (var step = LANES / 2u; step > 0u; step /= 2u) {
        if column < step {
            partial[lane] += partial[lane + step];
        }
        workgroupBarrier();
    }
    if column == 0u && row < params.rows {
        finish(0u, row, partial[lane]);
    }
}
