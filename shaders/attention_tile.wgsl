// o[t][h] = softmax(scale * q[t][h] . K[h / group]) V[h / group], for many tokens on a GPU
//
// Layouts: lib/attention. The queries of a KV head are rows t * group + head. A workgroup
// takes 32 rows and goes through the keys in tiles of 32 with an online softmax; queries, keys
// and values pass through shared memory 32 dims at a time. As a grid of 8 x 8, a lane owns four
// rows and of each 32 keys or 8 vectors every eighth. Grid x: KV heads, y: tiles of rows.
// Twin: tests/twins/attention.py

const WG = 64u;
const TILE_ROWS = 32u;
const KEYS = 32u;
#import lib/attention

var<workgroup> queries: array<vec4f, 256>; // [8 vectors, TILE_ROWS]
var<workgroup> tile: array<vec4f, 256>; // keys [8 vectors, KEYS], then values [KEYS, 8 vectors]
var<workgroup> weights: array<f32, 1024>; // [KEYS, TILE_ROWS]: scores, then weights
var<workgroup> fades: array<f32, TILE_ROWS>; // in the end 1 / total

// Where row r begins among q's vectors, or o's.
fn q_at(row: u32, kv_head: u32) -> u32 {
    let head = kv_head * params.group + row % params.group;
    return row / params.group * params.stride4 + params.offset4 + head * DIM4;
}

fn o_at(row: u32, kv_head: u32) -> u32 {
    return (row / params.group * params.heads + kv_head * params.group + row % params.group) * DIM4;
}

fn sees(row: u32, key: u32) -> bool {
    let position = step_position() + row / params.group;
    return key <= position && key >= first_seen(position);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let rows = step_count() * params.group;
    let first = group.y * TILE_ROWS;
    if first >= rows {
        return;
    }
    let begin = first_seen(step_position() + first / params.group);
    let last = step_position() + (min(first + TILE_ROWS, rows) - 1u) / params.group;
    let base = group.x * params.slots;
    let across = lane % 8u;
    let down = lane / 8u * 4u;
    var highest = LOWEST; // of row `lane`, below TILE_ROWS
    var total = 0.0;
    var sums = array<vec4f, 32>(); // [8 chunks of 32 dims, 4 rows]

    for (var key = begin; key <= last; key += KEYS) {
        let keys = min(KEYS, last + 1u - key);
        let start = key % params.slots;
        var s = array<vec4f, 4>(); // four keys, four rows in each
        for (var c = 0u; c < DIM4; c += 8u) {
            for (var i = lane; i < 256u; i += WG) {
                let vector = c + i % 8u;
                let at = i / 8u; // row or key
                var a = vec4f(0.0);
                var b = vec4f(0.0);
                if vector < DIM4 {
                    a = q[q_at(min(first + at, rows - 1u), group.x) + vector];
                    let slot = slot_after(start, min(at, keys - 1u));
                    b = kv4(OF_K, (base + slot) * kv_row(), vector);
                }
                queries[i % 8u * TILE_ROWS + at] = a;
                tile[i % 8u * KEYS + at] = b;
            }
            workgroupBarrier();
            for (var i = 0u; i < 8u; i++) {
                let at = i * TILE_ROWS + down;
                let k = i * KEYS + across;
                for (var j = 0u; j < 4u; j++) {
                    let b = tile[k + 8u * j];
                    s[j] += vec4f(
                        dot(queries[at], b), dot(queries[at + 1u], b),
                        dot(queries[at + 2u], b), dot(queries[at + 3u], b),
                    );
                }
            }
            workgroupBarrier();
        }
        for (var j = 0u; j < 4u; j++) {
            for (var r = 0u; r < 4u; r++) {
                let k = across + 8u * j;
                let is_seen = k < keys && sees(first + down + r, key + k);
                weights[k * TILE_ROWS + down + r] = select(LOWEST, params.scale * s[j][r], is_seen);
            }
        }
        workgroupBarrier();

        // A lane per row turns scores into weights.
        if lane < TILE_ROWS {
            var now = highest;
            for (var k = 0u; k < KEYS; k++) {
                now = max(now, weights[k * TILE_ROWS + lane]);
            }
            let fade = exp(highest - now);
            total *= fade;
            for (var k = 0u; k < KEYS; k++) {
                let score = weights[k * TILE_ROWS + lane];
                let w = select(exp(score - now), 0.0, score == LOWEST);
                weights[k * TILE_ROWS + lane] = w;
                total += w;
            }
            highest = now;
            fades[lane] = fade;
        }
        for (var c = 0u; c < DIM4; c += 8u) {
            for (var i = lane; i < 256u; i += WG) {
                var b = vec4f(0.0);
                if c + i % 8u < DIM4 && i / 8u < keys {
                    let row = (base + slot_after(start, i / 8u)) * kv_row();
                    b = kv4(OF_V, row, c + i % 8u);
                }
                tile[i] = b;
            }
            workgroupBarrier(); // values, and at first weights and fades
            for (var r = 0u; r < 4u; r++) {
                sums[c / 2u + r] *= fades[down + r];
            }
            for (var k = 0u; k < keys; k++) {
                let v = tile[k * 8u + across];
                for (var r = 0u; r < 4u; r++) {
                    sums[c / 2u + r] += weighted(weights[k * TILE_ROWS + down + r], v);
                }
            }
            workgroupBarrier();
        }
    }

    if lane < TILE_ROWS {
        fades[lane] = 1.0 / total;
    }
    workgroupBarrier();
    for (var c = 0u; c < DIM4; c += 8u) {
        for (var r = 0u; r < 4u; r++) {
            let row = first + down + r;
            if row < rows && c + across < DIM4 {
                o[o_at(row, group.x) + c + across] = fades[down + r] * sums[c / 2u + r];
            }
        }
    }
}
