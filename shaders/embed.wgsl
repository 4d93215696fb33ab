// y[t] = W[index(t)], where index is the token's id, or its position
//
// W: [rows, dim], rows first_row .. first_row + rows of the table; y: [T, dim]. Tokens whose row
// lies in another part are left alone. One lane per 32 weights; tokens on grid y.
// Twin: tests/twins/embed.py

#import lib/step
#import quant

override BY_POSITION: bool = false;
override ADD: bool = false;

struct Params {
    dim4: u32,
    groups: u32,
    first_row: u32,
    rows: u32,
    scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> quants: array<vec4u>;
@group(0) @binding(3) var<storage, read> scales: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

fn put(at: u32, value: vec4f) {
    if ADD {
        y[at] += params.scale * value;
    } else {
        y[at] = params.scale * value;
    }
}

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let token = id.y;
    let group = id.x;
    if token >= step_count() || group >= params.groups {
        return;
    }
    var row = step_id(token);
    if BY_POSITION {
        row = step_position() + token;
    }
    if row < params.first_row || row - params.first_row >= params.rows {
        return;
    }
    var w = decode32((row - params.first_row) * params.groups + group);
    for (var i = 0u; i < 8u; i++) {
        if group * 8u + i < params.dim4 {
            put(token * params.dim4 + group * 8u + i, w[i]);
        }
    }
}
