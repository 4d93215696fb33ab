// maxima[c] = key of max(logits[32 c .. 32 c + 31]): the first of three steps to the candidates
//
// logits: f32 bits [vocab]; maxima: [ceil(vocab / 32)], keys that order like floats (lib/order).
// One lane per chunk of 32. Grid x.
// Twin: tests/twins/top.py

#import lib/order

struct Params {
    vocab: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<u32>;
@group(0) @binding(2) var<storage, read_write> maxima: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let first = id.x * 32u;
    if first >= params.vocab {
        return;
    }
    var highest = order_key(logits[first]);
    for (var i = first + 1u; i < min(first + 32u, params.vocab); i++) {
        highest = max(highest, order_key(logits[i]));
    }
    maxima[id.x] = highest;
}
