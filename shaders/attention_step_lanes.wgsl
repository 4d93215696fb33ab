// One token: QK norm, rotation, append to the cache, attention; for software adapters
//
// q, k = rotate(norm(q), norm(k)); K[position] = k; V[position] = v;
// o[h] = softmax(scale * q[h] . K[h / group]) V[h / group]. Layouts: lib/attention_step.
// Of blocks of KEYS keys, first a lane takes a key and its scores with four heads, then a lane
// takes four columns of the values: each key and value is loaded once for four heads, and no sum
// crosses lanes. The split that owns the new position writes it before anybody reads it.
// Grid x: KV heads, y: splits of the keys.
// Twin: tests/twins/attention.py

const WG = 8u;
const KEYS = 256u;
#import lib/attention_step

var<workgroup> new_k: array<f32, 256>;
var<workgroup> queries: array<vec4f, 256>; // of each dim, four heads' values
var<workgroup> weights: array<vec4f, KEYS>; // of each key, four heads' scores, then weights
var<workgroup> sums: array<vec4f, 256>; // [4 heads, DIM4]; a lane touches its own columns only
var<workgroup> shared4: array<vec4f, WG>;

// 1 / rms of the head that begins at `at`. All lanes do the same: the loads are one.
fn norm_factor(at: u32) -> f32 {
    var squares = 0.0;
    for (var d = 0u; d < 4u * DIM4; d++) {
        squares += qkv[at + d] * qkv[at + d];
    }
    return inverseSqrt(squares / f32(4u * DIM4) + params.eps);
}

fn append_new(kv_head: u32, lane: u32) {
    let at = k_at(kv_head);
    var factor = 1.0;
    if K_NORM {
        factor = norm_factor(at);
    }
    for (var d = lane; d < 4u * DIM4; d += WG) {
        new_k[d] = turned_k(at, d, factor);
    }
}

fn prepare_queries(first: u32, last: u32, lane: u32) {
    var factor = vec4f(1.0);
    let at = 4u * DIM4 * min(vec4u(first) + vec4u(0u, 1u, 2u, 3u), vec4u(last)) + params.q_offset;
    if Q_NORM {
        factor = vec4f(norm_factor(at.x), norm_factor(at.y), norm_factor(at.z), norm_factor(at.w));
    }
    for (var d = lane; d < 4u * DIM4; d += WG) {
        let a = turned_q(at.x, d, factor.x);
        let b = turned_q(at.y, d, factor.y);
        let c = turned_q(at.z, d, factor.z);
        queries[d] = params.scale * vec4f(a, b, c, turned_q(at.w, d, factor.w));
    }
    for (var i = lane; i < 4u * DIM4; i += WG) {
        sums[i / 4u + i % 4u * DIM4] = vec4f(0.0);
    }
}

// Score keys j, j + WG, j + 2 WG and j + 3 WG of a block; returns their maximum.
fn score_keys(base: u32, start: u32, keys: u32, j: u32) -> vec4f {
    var row: vec4u;
    for (var e = 0u; e < 4u; e++) {
        row[e] = (base + slot_after(start, min(j + e * WG, keys - 1u))) * kv_row();
    }
    var a = vec4f(0.0);
    var b = vec4f(0.0);
    var c = vec4f(0.0);
    var d = vec4f(0.0);
    for (var i = 0u; i < DIM4; i++) {
        let k0 = kv4(OF_K, row.x, i);
        let k1 = kv4(OF_K, row.y, i);
        let k2 = kv4(OF_K, row.z, i);
        let k3 = kv4(OF_K, row.w, i);
        let at = 4u * i;
        let q = mat4x4f(queries[at], queries[at + 1u], queries[at + 2u], queries[at + 3u]);
        a += q * k0;
        b += q * k1;
        c += q * k2;
        d += q * k3;
    }
    weights[j] = a; // those past the last key repeat it, and are not used
    weights[j + WG] = b;
    weights[j + 2u * WG] = c;
    weights[j + 3u * WG] = d;
    return max(max(a, b), max(c, d));
}

// Add a block's values to this lane's columns, two at a time.
fn add_values(base: u32, start: u32, keys: u32, fade: vec4f, lane: u32) {
    for (var column = lane; column < DIM4; column += 2u * WG) {
        let other = min(column + WG, DIM4 - 1u);
        var a = array<vec4f, 4>();
        var b = array<vec4f, 4>();
        for (var i = 0u; i < 4u; i++) {
            a[i] = fade[i] * sums[i * DIM4 + column];
            b[i] = fade[i] * sums[i * DIM4 + other];
        }
        for (var j = 0u; j < keys; j++) {
            let row = (base + slot_after(start, j)) * kv_row();
            let v = kv4(OF_V, row, column);
            let u = kv4(OF_V, row, other);
            let w = weights[j];
            for (var i = 0u; i < 4u; i++) {
                a[i] += w[i] * v;
                b[i] += w[i] * u;
            }
        }
        for (var i = 0u; i < 4u; i++) {
            sums[i * DIM4 + column] = a[i];
            if column + WG < DIM4 {
                sums[i * DIM4 + other] = b[i];
            }
        }
    }
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let range = split_keys(group.y);
    if step_count() == 0u {
        return;
    }
    let is_owner = owns_position(range);
    let base = group.x * params.slots;
    if is_owner {
        append_new(group.x, lane);
    }
    workgroupBarrier();
    if is_owner {
        for (var unit = lane; unit < 2u * ((DIM4 + UNIT - 1u) / UNIT); unit += WG) {
            append(group.x, unit);
        }
    }
    storageBarrier();

    for (var h = 0u; h < params.group; h += 4u) {
        let first = group.x * params.group + h;
        prepare_queries(first, group.x * params.group + params.group - 1u, lane);
        workgroupBarrier();
        var highest = vec4f(LOWEST);
        var total = vec4f(0.0); // of this lane's keys
        for (var key = range.x; key < range.y; key += KEYS) {
            let keys = min(KEYS, range.y - key);
            let start = key % params.slots;
            var now = highest;
            for (var j = lane; j < keys; j += 4u * WG) {
                now = max(now, score_keys(base, start, keys, j));
            }
            shared4[lane] = now;
            workgroupBarrier();
            for (var i = 0u; i < WG; i++) {
                now = max(now, shared4[i]);
            }
            let fade = exp(highest - now);
            total *= fade;
            for (var j = lane; j < keys; j += WG) {
                let w = exp(weights[j] - now);
                weights[j] = w;
                total += w;
            }
            highest = now;
            workgroupBarrier();
            add_values(base, start, keys, fade, lane);
            workgroupBarrier(); // before the next block's scores
        }
        shared4[lane] = total;
        workgroupBarrier();
        total = vec4f(0.0);
        for (var i = 0u; i < WG; i++) {
            total += shared4[i];
        }
        let heads = min(4u, params.group - h);
        for (var i = 0u; i < heads; i++) {
            for (var column = lane; column < DIM4; column += WG) {
                put_sum(first + i, group.y, column, sums[i * DIM4 + column], total[i]);
            }
            if lane == 0u {
                put_total(first + i, group.y, highest[i], total[i]);
            }
        }
        workgroupBarrier(); // before the next heads' queries
    }
}
