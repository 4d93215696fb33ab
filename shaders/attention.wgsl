// o[t][h] = softmax(scale * q[t][h] . K[h / group]) V[h / group], over the keys that t sees
//
// q: [T, stride4] vectors of four, heads of DIM4 of them from `offset4` on; caches as lib/kv has
// them; o: [T, heads, DIM4]. Online softmax over tiles of 64 keys, one key a lane; then lanes own
// four output values each, several lanes sharing a quarter of the keys. The reference for one
// token: one workgroup per head (grid x) and token (grid y). head_dim <= 256.
// Twin: tests/twins/attention.py

const WG = 64u;
const LOWEST = -3.4e38; // Tint refuses a constant -inf
#import lib/step
#import reduce
#import kv

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

var<workgroup> query: array<vec4f, 64>;
var<workgroup> weight: array<f32, WG>;
var<workgroup> outputs: array<vec4f, WG>;

#import lib/kv_read

fn score(row: u32) -> f32 {
    var sum = 0.0;
    for (var i = 0u; i < DIM4; i++) {
        sum += dot(query[i], kv4(OF_K, row, i));
    }
    return sum * params.scale;
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, at: Lane) {
    let lane = at.index;
    let head = group.x;
    let token = group.y;
    if token >= step_count() {
        return;
    }
    if lane < DIM4 {
        query[lane] = q[token * params.stride4 + params.offset4 + head * DIM4 + lane];
    }
    workgroupBarrier();

    let position = step_position() + token;
    let base = head / params.group * params.slots;
    let shares = WG / DIM4; // lanes that own the same four outputs
    let column = lane % DIM4;
    let share = lane / DIM4;
    var highest = LOWEST;
    var total = 0.0; // of this lane's keys
    var sum = vec4f(0.0);
    for (var first = first_seen(position); first <= position; first += WG) {
        let left = min(WG, position + 1u - first);
        let start = first % params.slots;
        var s = LOWEST;
        if lane < left {
            s = score((base + slot_after(start, lane)) * kv_row());
        }
        let now = max(highest, workgroup_max(s, at));
        let fade = exp(highest - now);
        let w = select(0.0, exp(s - now), lane < left);
        weight[lane] = w;
        total = total * fade + w;
        sum *= fade;
        workgroupBarrier();
        if share < shares {
            for (var j = share; j < left; j += shares) {
                sum += weight[j] * kv4(OF_V, (base + slot_after(start, j)) * kv_row(), column);
            }
        }
        highest = now;
        workgroupBarrier(); // before the next tile's weights
    }

    let denominator = workgroup_sum(total, at);
    outputs[lane] = sum;
    workgroupBarrier();
    if lane < DIM4 {
        var value = vec4f(0.0);
        for (var i = 0u; i < shares; i++) {
            value += outputs[i * DIM4 + lane];
        }
        o[(token * params.heads + head) * DIM4 + lane] = value / denominator;
    }
}
