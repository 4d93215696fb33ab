// (a, b) of each pair i becomes (a + b i) * exp(i theta(position, pair)) * magnitude, in place
//
// x: [T, stride], heads of head_dim values from `offset` on. Pairs are dims (2i, 2i+1), or with
// NEOX (i, i + pairs); dims from 2 * pairs on pass through. The angle of position 256 h + l is the
// sum of two rows of `table` [256 + ..., pairs]: row l, which carries the magnitude, and row
// 256 + h. (WGSL's own sin and cos may be off by 2^-11.) One lane per pair; tokens on grid y.
// Twin: tests/twins/rope.py

#import lib/step

override NEOX: bool = false;

struct Params {
    heads: u32,
    head_dim: u32,
    pairs: u32,
    stride: u32,
    offset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> table: array<vec2f>;
@group(0) @binding(3) var<storage, read_write> x: array<f32>;

fn times(a: vec2f, b: vec2f) -> vec2f {
    return vec2f(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let token = id.y;
    if token >= step_count() || id.x >= params.heads * params.pairs {
        return;
    }
    let head = id.x / params.pairs;
    let pair = id.x % params.pairs;
    let position = step_position() + token;
    let low = table[(position & 255u) * params.pairs + pair];
    let high = table[(256u + position / 256u) * params.pairs + pair];
    let base = token * params.stride + params.offset + head * params.head_dim;
    let a = base + select(2u * pair, pair, NEOX);
    let b = a + select(1u, params.pairs, NEOX);
    let turned = times(vec2f(x[a], x[b]), times(low, high));
    x[a] = turned.x;
    x[b] = turned.y;
}
