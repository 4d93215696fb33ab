// One token: QK norm, rotation, append to the cache, attention; for GPUs
//
// q, k = rotate(norm(q), norm(k)); K[position] = k; V[position] = v;
// o[h] = softmax(scale * q[h] . K[h / group]) V[h / group]. Layouts: lib/attention_step.
// Of tiles of WG keys, first a lane takes a key and its scores with four heads, then a lane owns
// four columns of the values, several lanes sharing a quarter of the keys. The split that owns
// the new position writes it before anybody reads it. Grid x: KV heads, y: splits of the keys.
// Twin: tests/twins/attention.py

const WG = 128u;
alias Reduced = vec4f;
#import reduce
#import lib/attention_step

var<workgroup> new_k: array<f32, 256>;
var<workgroup> queries: array<vec4f, 256>; // of each of four heads, DIM4 vectors
var<workgroup> weights: array<vec4f, WG>; // of each key, four heads' weights
var<workgroup> outputs: array<vec4f, WG>;

// The sum of squares of four heads of qkv, that begin at `at`.
fn squares4(at: vec4u, lane: Lane) -> vec4f {
    var squares = vec4f(0.0);
    for (var d = lane.index; d < 4u * DIM4; d += WG) {
        let x = vec4f(qkv[at.x + d], qkv[at.y + d], qkv[at.z + d], qkv[at.w + d]);
        squares += x * x;
    }
    return workgroup_sum(squares, lane);
}

fn norm_factor(squares: vec4f) -> vec4f {
    return inverseSqrt(squares / f32(4u * DIM4) + params.eps);
}

fn set_query(i: u32, d: u32, at: vec4u, factor: vec4f) {
    let x = turned_q(at[i], d, factor[i]);
    let y = turned_q(at[i], d + 1u, factor[i]);
    let z = turned_q(at[i], d + 2u, factor[i]);
    queries[i * DIM4 + d / 4u] = params.scale * vec4f(x, y, z, turned_q(at[i], d + 3u, factor[i]));
}

fn scores(row: u32) -> vec4f {
    var s = vec4f(0.0);
    for (var i = 0u; i < DIM4; i++) {
        let k = kv4(OF_K, row, i);
        s += vec4f(
            dot(queries[i], k), dot(queries[DIM4 + i], k),
            dot(queries[2u * DIM4 + i], k), dot(queries[3u * DIM4 + i], k),
        );
    }
    return s;
}

// The sum of a column over the lanes that share it; `lane` is below DIM4.
fn shared_sum(lane: u32) -> vec4f {
    var sum = vec4f(0.0);
    for (var i = 0u; i < WG / DIM4; i++) {
        sum += outputs[i * DIM4 + lane];
    }
    return sum;
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, at: Lane) {
    let lane = at.index;
    let range = split_keys(group.y);
    if step_count() == 0u {
        return;
    }
    let is_owner = owns_position(range);
    let base = group.x * params.slots;
    let from_k = k_at(group.x);
    var factor = vec4f(1.0);
    if K_NORM {
        factor = norm_factor(squares4(vec4u(from_k), at));
    }
    for (var d = lane; d < 4u * DIM4; d += WG) {
        new_k[d] = turned_k(from_k, d, factor.x);
    }
    workgroupBarrier();
    if is_owner && lane < 2u * ((DIM4 + UNIT - 1u) / UNIT) {
        append(group.x, lane);
    }
    storageBarrier();

    let shares = WG / DIM4; // lanes that own the same four columns
    let column = lane % DIM4;
    let share = lane / DIM4;
    for (var h = 0u; h < params.group; h += 4u) {
        let first = group.x * params.group + h;
        let heads = min(4u, params.group - h);
        let from_q = params.q_offset
            + 4u * DIM4 * (first + min(vec4u(0u, 1u, 2u, 3u), vec4u(heads - 1u)));
        factor = vec4f(1.0);
        if Q_NORM {
            factor = norm_factor(squares4(from_q, at));
        }
        for (var i = lane; i < 4u * DIM4; i += WG) {
            set_query(i / DIM4, i % DIM4 * 4u, from_q, factor);
        }
        workgroupBarrier();

        var highest = vec4f(LOWEST);
        var total = vec4f(0.0); // of this lane's keys
        var sums = array<vec4f, 4>();
        for (var key = range.x; key < range.y; key += WG) {
            let keys = min(WG, range.y - key);
            let start = key % params.slots;
            var s = vec4f(LOWEST);
            if lane < keys {
                s = scores((base + slot_after(start, lane)) * kv_row());
            }
            let now = max(highest, workgroup_max(s, at));
            let fade = exp(highest - now);
            let w = select(vec4f(0.0), exp(s - now), lane < keys);
            weights[lane] = w;
            total = total * fade + w;
            highest = now;
            workgroupBarrier();
            for (var i = 0u; i < 4u; i++) {
                sums[i] *= fade[i];
            }
            if share < shares {
                for (var j = share; j < keys; j += shares) {
                    let v = kv4(OF_V, (base + slot_after(start, j)) * kv_row(), column);
                    for (var i = 0u; i < 4u; i++) {
                        sums[i] += weights[j][i] * v;
                    }
                }
            }
            workgroupBarrier(); // before the next tile's weights
        }

        total = workgroup_sum(total, at);
        for (var i = 0u; i < heads; i++) {
            outputs[lane] = sums[i];
            workgroupBarrier();
            if lane < DIM4 {
                put_sum(first + i, group.y, lane, shared_sum(lane), total[i]);
            }
            if lane == 0u {
                put_total(first + i, group.y, highest[i], total[i]);
            }
            workgroupBarrier();
        }
    }
}
