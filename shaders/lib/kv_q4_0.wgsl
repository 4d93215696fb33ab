// KV cache in Q4_0: blocks of 32 values, each a nibble less 8, times the block's half float.
//
// A row: four words of nibbles a block, the first 16 values in the low ones; then two scales in
// every word. The contract is in lib/kv_f32. A unit is two blocks, because their scales share a
// word; the last may be one.

#import lib/half
#import lib/kv

alias Word = u32;
const UNIT = 16u;
const UNIT_WORDS = 9u;

fn kv_row() -> u32 {
    return DIM4 / 2u + (DIM4 + 15u) / 16u;
}

fn kv4(which: u32, row: u32, i: u32) -> vec4f {
    let scales = unpack2x16float(kv_word(which, row + DIM4 / 2u + i / 16u));
    let word = kv_word(which, row + i / 8u * 4u + i % 4u) >> (i / 4u % 2u * 4u);
    let nibbles = vec4f(unpack4xU8(word & 0x0f0f0f0fu)) - 8.0;
    return select(scales.x, scales.y, i / 8u % 2u == 1u) * nibbles;
}

// As ggml's quantize_row_q4_0_ref: the largest value without sign becomes -8 times the scale.
fn kv_pack(values: array<vec4f, UNIT>) -> array<Word, UNIT_WORDS> {
    var words: array<Word, UNIT_WORDS>;
    for (var w = 0u; w < UNIT_WORDS; w++) {
        words[w] = 0u;
    }
    for (var block = 0u; block < 2u; block++) {
        var most = 0.0;
        for (var i = 0u; i < 32u; i++) {
            let x = values[8u * block + i / 4u][i % 4u];
            if abs(x) > abs(most) {
                most = x;
            }
        }
        let scale = most / -8.0;
        let inverse = select(0.0, 1.0 / scale, scale != 0.0);
        for (var i = 0u; i < 8u; i++) {
            let q = min(vec4u(values[8u * block + i] * inverse + 8.5), vec4u(15u));
            words[4u * block + i % 4u] |= pack4xU8(q) << (i / 4u * 4u);
        }
        words[8] |= half_bits(scale) << (16u * block);
    }
    return words;
}

fn kv_place(unit: u32, word: u32) -> u32 {
    if word == 8u {
        return DIM4 / 2u + unit;
    }
    // a missing second block has no place
    return select(unit * 8u + word, kv_row(), unit * 8u + word >= DIM4 / 2u);
}
