// o[t][h] = softmax(scale * q[t][h] . K[h / group]) V[h / group], over keys up to t's position
//
// q: [T, stride], heads of head_dim values from `offset` on; caches: [kv_heads, context, head_dim]
// packed as `kv`; o: [T, heads * head_dim]. Online softmax over tiles of 64 keys, one key a lane;
// then lanes own four output values each, several lanes sharing a quarter of the keys.
// One workgroup per head (grid x) and token (grid y). head_dim <= 256.
// Twin: tests/twins/attention.py

const WG = 64u;
const LOWEST = -3.4e38; // Tint refuses a constant -inf
#import lib/step
#import reduce
#import kv

struct Params {
    heads: u32,
    head_dim4: u32,
    group: u32,
    stride: u32,
    offset: u32,
    context: u32,
    scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> q: array<f32>;
@group(0) @binding(3) var<storage, read> k_cache: array<Packed4>;
@group(0) @binding(4) var<storage, read> v_cache: array<Packed4>;
@group(0) @binding(5) var<storage, read_write> o: array<f32>;

var<workgroup> query: array<vec4f, 64>;
var<workgroup> weight: array<f32, WG>;
var<workgroup> outputs: array<vec4f, WG>;

fn score(key: u32, base: u32) -> f32 {
    var sum = 0.0;
    for (var i = 0u; i < params.head_dim4; i++) {
        sum += dot(query[i], unpack_kv(k_cache[base + key * params.head_dim4 + i]));
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
    let dim4 = params.head_dim4;
    if lane < dim4 {
        let at = token * params.stride + params.offset + (head * dim4 + lane) * 4u;
        query[lane] = vec4f(q[at], q[at + 1u], q[at + 2u], q[at + 3u]);
    }
    workgroupBarrier();

    let keys = step_position() + token + 1u;
    let base = (head / params.group) * params.context * dim4;
    let shares = WG / dim4; // lanes that own the same four outputs
    let column = lane % dim4;
    let share = lane / dim4;
    var highest = LOWEST;
    var total = 0.0; // of this lane's keys
    var sum = vec4f(0.0);
    for (var first = 0u; first < keys; first += WG) {
        let left = min(WG, keys - first);
        var s = LOWEST;
        if lane < left {
            s = score(first + lane, base);
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
                sum += weight[j] * unpack_kv(v_cache[base + (first + j) * dim4 + column]);
            }
        }
        highest = now;
        workgroupBarrier(); // before the next tile's weights
    }

    let denominator = workgroup_sum(total, at);
    outputs[lane] = sum;
    workgroupBarrier();
    if lane < dim4 {
        var value = vec4f(0.0);
        for (var i = 0u; i < shares; i++) {
            value += outputs[i * dim4 + lane];
        }
        value /= denominator;
        let to = ((token * params.heads + head) * dim4 + lane) * 4u;
        o[to] = value.x;
        o[to + 1u] = value.y;
        o[to + 2u] = value.z;
        o[to + 3u] = value.w;
    }
}
