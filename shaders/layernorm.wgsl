// y = (x - mean(x)) / sqrt(var(x) + eps) * gain + bias
//
// x, y: [T, dim], or with LAST only the step's last token: y [1, dim]; gain, bias: [dim].
// One workgroup per row; rows on grid x, folded.
// Twin: tests/twins/norm.py

const WG = 64u;
alias Reduced = f32;
#import reduce
#import lib/step

override LAST: bool = false;

struct Params {
    dim: u32,
    eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> gain: array<f32>;
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, lane: Lane) {
    let row = group.y * 32768u + group.x;
    if row >= step_count() {
        return;
    }
    let from_row = select(row, step_count() - 1u, LAST) * params.dim;
    let to_row = row * params.dim;
    var sum = 0.0;
    for (var i = lane.index; i < params.dim; i += WG) {
        sum += x[from_row + i];
    }
    let mean = workgroup_sum(sum, lane) / f32(params.dim);
    var squares = 0.0;
    for (var i = lane.index; i < params.dim; i += WG) {
        let centred = x[from_row + i] - mean;
        squares += centred * centred;
    }
    let scale = inverseSqrt(workgroup_sum(squares, lane) / f32(params.dim) + params.eps);
    for (var i = lane.index; i < params.dim; i += WG) {
        y[to_row + i] = (x[from_row + i] - mean) * scale * gain[i] + bias[i];
    }
}
