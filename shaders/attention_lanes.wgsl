// o[t][h] = softmax(scale * q[t][h] . K[h / group]) V[h / group], for software adapters
//
// Layouts: lib/attention. The queries of a KV head are rows t * group + head; a lane takes
// four, so that a key is read and decoded once for 32 of them, at an address that all lanes
// share. Online softmax over blocks of KEYS keys; between blocks the sums wait in o. No barriers.
// Grid x: KV heads, y: tiles of rows.
// Twin: tests/twins/attention.py

const LANES = 8u;
const TILE_ROWS = 32u;
// SwiftShader's time to compile grows with workgroup memory: at 64 keys 1.25 s, at 16 0.6 s, and as
// fast there; on lavapipe 16 would be a half slower.
override KEYS: u32 = 64u;
#import lib/attention

alias Chunk = array<vec4f, 4>; // 16 dims of a row, a key or a value

// A lane's own, for its four rows. Private arrays with a running index compile for seconds here.
var<workgroup> weights: array<vec4f, KEYS * LANES>;

fn query16(at: u32, left: u32) -> Chunk {
    var chunk: Chunk;
    for (var i = 0u; i < 4u; i++) {
        chunk[i] = select(vec4f(0.0), params.scale * q[at + min(i, left - 1u)], i < left);
    }
    return chunk;
}

fn kv16(which: u32, row: u32, first: u32, left: u32) -> Chunk {
    var chunk: Chunk;
    for (var i = 0u; i < 4u; i++) {
        chunk[i] = kv4(which, row, first + min(i, left - 1u));
    }
    return chunk;
}

fn sums16(at: u32, left: u32, fade: f32) -> Chunk {
    var chunk = Chunk();
    if fade > 0.0 {
        for (var i = 0u; i < 4u; i++) {
            chunk[i] = fade * o[at + min(i, left - 1u)];
        }
    }
    return chunk;
}

fn put16(at: u32, left: u32, chunk: Chunk, factor: f32, is_row: bool) {
    if is_row {
        for (var i = 0u; i < min(left, 4u); i++) {
            o[at + i] = factor * chunk[i];
        }
    }
}

fn dot16(a: Chunk, b: Chunk) -> f32 {
    return dot(a[0], b[0]) + dot(a[1], b[1]) + dot(a[2], b[2]) + dot(a[3], b[3]);
}

fn add16(a: Chunk, w: f32, b: Chunk) -> Chunk {
    return Chunk(
        a[0] + weighted(w, b[0]), a[1] + weighted(w, b[1]),
        a[2] + weighted(w, b[2]), a[3] + weighted(w, b[3]),
    );
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let rows = step_count() * params.group;
    let first = group.y * TILE_ROWS;
    if first >= rows {
        return;
    }
    let row = vec4u(first + lane) + LANES * vec4u(0u, 1u, 2u, 3u);
    let within = min(row, vec4u(rows - 1u));
    let token = within / params.group;
    let head = group.x * params.group + within % params.group;
    let from_q = token * params.stride4 + params.offset4 + head * DIM4;
    let to = (token * params.heads + head) * DIM4;
    var low: vec4u; // the first key that each row sees
    for (var r = 0u; r < 4u; r++) {
        low[r] = first_seen(step_position() + token[r]);
    }
    let span = step_position() + token + 1u - low;
    let begin = first_seen(step_position() + first / params.group);
    let end = step_position() + (min(first + TILE_ROWS, rows) - 1u) / params.group + 1u;
    let base = group.x * params.slots;

    var highest = vec4f(LOWEST);
    var total = vec4f(0.0);
    for (var key = begin; key < end; key += KEYS) {
        let keys = min(KEYS, end - key);
        let start = key % params.slots;
        for (var i = 0u; i < DIM4; i += 4u) {
            let left = DIM4 - i;
            let a = query16(from_q.x + i, left);
            let b = query16(from_q.y + i, left);
            let c = query16(from_q.z + i, left);
            let d = query16(from_q.w + i, left);
            for (var j = 0u; j < keys; j++) {
                let k = kv16(OF_K, (base + slot_after(start, j)) * kv_row(), i, left);
                let before = select(weights[j * LANES + lane], vec4f(0.0), i == 0u);
                weights[j * LANES + lane]
                    = before + vec4f(dot16(a, k), dot16(b, k), dot16(c, k), dot16(d, k));
            }
        }

        var now = highest;
        for (var j = 0u; j < keys; j++) {
            let is_seen = vec4u(key + j) - low < span;
            now = max(now, select(vec4f(LOWEST), weights[j * LANES + lane], is_seen));
        }
        let fade = select(exp(highest - now), vec4f(0.0), vec4<bool>(key == begin));
        total *= fade;
        for (var j = 0u; j < keys; j++) {
            let is_seen = vec4u(key + j) - low < span;
            let w = select(vec4f(0.0), exp(weights[j * LANES + lane] - now), is_seen);
            weights[j * LANES + lane] = w;
            total += w;
        }
        highest = now;

        let factor = select(vec4f(1.0), 1.0 / total, vec4<bool>(key + KEYS >= end));
        for (var i = 0u; i < DIM4; i += 4u) {
            let left = DIM4 - i;
            var a = sums16(to.x + i, left, fade.x);
            var b = sums16(to.y + i, left, fade.y);
            var c = sums16(to.z + i, left, fade.z);
            var d = sums16(to.w + i, left, fade.w);
            for (var j = 0u; j < keys; j++) {
                let v = kv16(OF_V, (base + slot_after(start, j)) * kv_row(), i, left);
                let w = weights[j * LANES + lane];
                a = add16(a, w.x, v);
                b = add16(b, w.y, v);
                c = add16(c, w.z, v);
                d = add16(d, w.w, v);
            }
            put16(to.x + i, left, a, factor.x, row.x < rows);
            put16(to.y + i, left, b, factor.y, row.y < rows);
            put16(to.z + i, left, c, factor.z, row.z < rows);
            put16(to.w + i, left, d, factor.w, row.w < rows);
        }
    }
}
