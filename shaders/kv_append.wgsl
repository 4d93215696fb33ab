// caches[head][position(t) % slots] = k[t][head], v[t][head]
//
// k, v: [T, stride4] vectors of four, heads of DIM4 of them from k_offset4 and v_offset4 on;
// caches: [heads, slots, row] packed as `kv`. One lane per unit that is packed together; grid x:
// keys and values of all heads, y: tokens. Without a window nothing is written past the end.
// Twin: tests/twins/attention.py

#import lib/step
#import kv

struct Params {
    heads: u32,
    k_stride4: u32,
    k_offset4: u32,
    v_stride4: u32,
    v_offset4: u32,
    slots: u32,
    window: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> k: array<vec4f>;
@group(0) @binding(3) var<storage, read> v: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> k_cache: array<Word>;
@group(0) @binding(5) var<storage, read_write> v_cache: array<Word>;

#import lib/kv_read

fn source(which: u32, token: u32, i: u32) -> vec4f {
    if which == OF_K {
        return k[token * params.k_stride4 + params.k_offset4 + i];
    }
    return v[token * params.v_stride4 + params.v_offset4 + i];
}

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let units = (DIM4 + UNIT - 1u) / UNIT; // of a head
    let token = id.y;
    let position = step_position() + token;
    if token >= step_count() || id.x >= 2u * params.heads * units {
        return;
    }
    if position >= params.slots && params.window == 0u {
        return;
    }
    let which = id.x / (params.heads * units);
    let head = id.x / units % params.heads;
    let unit = id.x % units;
    var values = array<vec4f, UNIT>();
    for (var i = 0u; i < UNIT; i++) {
        if unit * UNIT + i < DIM4 {
            values[i] = source(which, token, head * DIM4 + unit * UNIT + i);
        }
    }
    let words = kv_pack(values);
    let row = (head * params.slots + position % params.slots) * kv_row();
    for (var w = 0u; w < UNIT_WORDS; w++) {
        let place = kv_place(unit, w);
        if place < kv_row() {
            if which == OF_K {
                k_cache[row + place] = words[w];
            } else {
                v_cache[row + place] = words[w];
            }
        }
    }
}
