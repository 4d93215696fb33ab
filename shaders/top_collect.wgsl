// found = [n, key, id 0, logit 0, id 1, logit 1, ...] of the n logits at or above the key
//
// The third of three steps; in no order. logits: f32 bits [vocab]. found holds `room` pairs; n
// counts on past them, so that the reader sees an overflow. One lane per logit. Grid x, folded.
// Twin: tests/twins/top.py

#import lib/order

struct Params {
    vocab: u32,
    room: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<u32>;
@group(0) @binding(2) var<storage, read_write> found: array<atomic<u32>>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let id = (group.y * 32768u + group.x) * 64u + lane;
    if id >= params.vocab || order_key(logits[id]) < atomicLoad(&found[1]) {
        return;
    }
    let slot = atomicAdd(&found[0], 1u);
    if slot < params.room {
        atomicStore(&found[2u + slot * 2u], id);
        atomicStore(&found[3u + slot * 2u], logits[id]);
    }
}
