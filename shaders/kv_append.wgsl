// cache[head][position(t)] = x[t][head]
//
// x: [T, stride], heads of head_dim values from `offset` on; cache: [heads, context, head_dim]
// packed as `kv`. One lane per four values; tokens on grid y.
// Twin: tests/twins/attention.py

#import lib/step
#import kv

struct Params {
    heads: u32,
    head_dim4: u32,
    stride: u32,
    offset: u32,
    context: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> cache: array<Packed4>;

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let token = id.y;
    let position = step_position() + token;
    if token >= step_count() || id.x >= params.heads * params.head_dim4 {
        return;
    }
    if position >= params.context {
        return;
    }
    let head = id.x / params.head_dim4;
    let i = id.x % params.head_dim4;
    let at = token * params.stride + params.offset + id.x * 4u;
    let value = vec4f(x[at], x[at + 1u], x[at + 2u], x[at + 3u]);
    cache[(head * params.context + position) * params.head_dim4 + i] = pack_kv(value);
}
