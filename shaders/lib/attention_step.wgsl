// What the variants of attention_step share: bindings, the new key and query, the cache.
//
// qkv: [stride], the step's one token: heads of 4 * DIM4 values from q_offset, k_offset and
// v_offset on. table: as in rope.wgsl; without a rotation `pairs` is 0. q_gain, k_gain: [dim],
// read only under Q_NORM and K_NORM. o: [heads, DIM4]; with SPLITS > 1 instead
// [heads, SPLITS, DIM4 + 1]: sums, then (highest score, total weight, 0, 0).
// The importer declares `new_k: array<f32, 256>` in workgroup memory.

#import lib/step
#import kv

const LOWEST = -3.4e38; // Tint refuses a constant -inf
const LEAST = 32u; // keys of a split
override Q_NORM: bool = false;
override K_NORM: bool = false;
override NEOX: bool = false;
override SPLITS: u32 = 1u;

struct Params {
    group: u32,
    q_offset: u32,
    k_offset: u32,
    v_offset: u32,
    pairs: u32,
    slots: u32,
    window: u32,
    scale: f32,
    eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> qkv: array<f32>;
@group(0) @binding(3) var<storage, read> table: array<vec2f>;
@group(0) @binding(4) var<storage, read> q_gain: array<f32>;
@group(0) @binding(5) var<storage, read> k_gain: array<f32>;
@group(0) @binding(6) var<storage, read_write> k_cache: array<Word>;
@group(0) @binding(7) var<storage, read_write> v_cache: array<Word>;
@group(0) @binding(8) var<storage, read_write> o: array<vec4f>;

#import lib/kv_read

// The keys of a split: first and one past the last. All splits take an equal share of what the
// query sees, so that they are even at any depth; some may be left without.
fn split_keys(split: u32) -> vec2u {
    let end = step_position() + 1u;
    let first = first_seen(step_position());
    let share = max((end - first + SPLITS - 1u) / SPLITS, LEAST);
    return min(vec2u(first + split * share, first + (split + 1u) * share), vec2u(end));
}

// Whether a split appends the new key and value. Without a window nothing is written past the end.
fn owns_position(range: vec2u) -> bool {
    let position = step_position();
    let has_room = params.window > 0u || position < params.slots;
    return has_room && range.x <= position && position < range.y;
}

fn k_at(kv_head: u32) -> u32 {
    return params.k_offset + kv_head * 4u * DIM4;
}

// The rotation of pair i at the step's position.
fn rotation(i: u32) -> vec2f {
    let position = step_position();
    let a = table[(position & 255u) * params.pairs + i];
    let b = table[(256u + position / 256u) * params.pairs + i];
    return vec2f(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}

// Value d of the query that begins at `at`; the norm multiplies by `factor` and the gain.
fn q_value(at: u32, d: u32, factor: f32) -> f32 {
    if Q_NORM {
        return qkv[at + d] * factor * q_gain[d];
    }
    return qkv[at + d];
}

fn k_value(at: u32, d: u32, factor: f32) -> f32 {
    if K_NORM {
        return qkv[at + d] * factor * k_gain[d];
    }
    return qkv[at + d];
}

// The first of the two values that rotate together with value d, and the distance between them.
fn pair_of(d: u32) -> vec2u {
    return vec2u(select(d - d % 2u, d % max(params.pairs, 1u), NEOX), select(1u, params.pairs, NEOX));
}

// Value d after the rotation of its pair (a, b).
fn turned(d: u32, a: f32, b: f32) -> f32 {
    let pair = pair_of(d);
    let by = rotation(select(d / 2u, pair.x, NEOX));
    return select(a * by.y + b * by.x, a * by.x - b * by.y, d == pair.x);
}

fn turned_q(at: u32, d: u32, factor: f32) -> f32 {
    if d >= 2u * params.pairs {
        return q_value(at, d, factor);
    }
    let pair = pair_of(d);
    return turned(d, q_value(at, pair.x, factor), q_value(at, pair.x + pair.y, factor));
}

fn turned_k(at: u32, d: u32, factor: f32) -> f32 {
    if d >= 2u * params.pairs {
        return k_value(at, d, factor);
    }
    let pair = pair_of(d);
    return turned(d, k_value(at, pair.x, factor), k_value(at, pair.x + pair.y, factor));
}

fn new_value(which: u32, kv_head: u32, i: u32) -> vec4f {
    if which == OF_K {
        return vec4f(new_k[4u * i], new_k[4u * i + 1u], new_k[4u * i + 2u], new_k[4u * i + 3u]);
    }
    let at = params.v_offset + (kv_head * DIM4 + i) * 4u;
    return vec4f(qkv[at], qkv[at + 1u], qkv[at + 2u], qkv[at + 3u]);
}

// Write one unit of the new key or value into its slot. `unit` counts the key's, then the value's.
fn append(kv_head: u32, unit: u32) {
    let units = (DIM4 + UNIT - 1u) / UNIT;
    let which = unit / units;
    let own = unit % units;
    var values = array<vec4f, UNIT>();
    for (var i = 0u; i < UNIT; i++) {
        if own * UNIT + i < DIM4 {
            values[i] = new_value(which, kv_head, own * UNIT + i);
        }
    }
    let words = kv_pack(values);
    let row = (kv_head * params.slots + step_position() % params.slots) * kv_row();
    for (var w = 0u; w < UNIT_WORDS; w++) {
        let place = kv_place(own, w);
        if place < kv_row() {
            if which == OF_K {
                k_cache[row + place] = words[w];
            } else {
                v_cache[row + place] = words[w];
            }
        }
    }
}

// Write a column's sum of a head, divided by the total unless other splits have more to add.
fn put_sum(head: u32, split: u32, column: u32, sum: vec4f, total: f32) {
    if SPLITS == 1u {
        o[head * DIM4 + column] = sum / total;
    } else {
        o[(head * SPLITS + split) * (DIM4 + 1u) + column] = sum;
    }
}

// Write what attention_reduce needs to know of a split.
fn put_total(head: u32, split: u32, highest: f32, total: f32) {
    if SPLITS > 1u {
        o[(head * SPLITS + split) * (DIM4 + 1u) + DIM4] = vec4f(highest, total, 0.0, 0.0);
    }
}
