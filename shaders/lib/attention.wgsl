// What the variants of attention over many tokens share: the bindings.
//
// q: [T, stride4] vectors of four, heads of DIM4 of them from `offset4` on; caches as lib/kv has
// them; o: [T, heads, DIM4].

#import lib/step
#import kv

const LOWEST = -3.4e38; // Tint refuses a constant -inf

struct Params {
    heads: u32,
    group: u32,
    stride4: u32,
    offset4: u32,
    slots: u32,
    window: u32,
    scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> q: array<vec4f>;
@group(0) @binding(3) var<storage, read> k_cache: array<Word>;
@group(0) @binding(4) var<storage, read> v_cache: array<Word>;
@group(0) @binding(5) var<storage, read_write> o: array<vec4f>;

#import lib/kv_read

// w v; without weight 0, whatever v is: what a token does not see may be no number.
fn weighted(w: f32, v: vec4f) -> vec4f {
    return select(vec4f(0.0), w * v, w != 0.0);
}
