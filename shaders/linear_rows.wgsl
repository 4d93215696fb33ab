// y = W x (+ bias) (+ residual), for one token: the schedule of software adapters
//
// W: [rows, groups * 32], one part of a matrix with `width` rows in all; x: [dim]; y: [width].
// One lane computes ROWS rows without a reduction: on a CPU, lanes are SIMD lanes, a workgroup is
// a task, and barriers cost more than the arithmetic. Grid x, folded: 8 lanes a workgroup.
// Twin: tests/twins/linear.py

const LANES = 8u;
const ROWS = 8u; // of a lane
const TILE_ROWS = 64u; // LANES * ROWS
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

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = ((group.y * 32768u + group.x) * LANES + lane) * ROWS;
    if row >= params.rows {
        return;
    }
    let last = params.rows - 1u;
    var sum = array<f32, ROWS>();
    for (var j = 0u; j < params.groups; j++) {
        let v = x32(j * 8u, params.dim4 - j * 8u);
        for (var r = 0u; r < ROWS; r++) {
            sum[r] += dot32(decode32(min(row + r, last) * params.groups + j), v);
        }
    }
    for (var r = 0u; r < ROWS; r++) {
        if row + r <= last {
            finish(0u, row + r, sum[r]);
        }
    }
}
