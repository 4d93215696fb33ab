// KV cache in Q8_0: blocks of 32 values, each a signed byte times the block's half float.
//
// A row: DIM4 words of bytes, then two scales in every word. The contract is in lib/kv_f32. A
// unit is two blocks, because their scales share a word; the last may be one.

#import lib/half
#import lib/kv

alias Word = u32;
const UNIT = 16u;
const UNIT_WORDS = 17u;

fn kv_row() -> u32 {
    return DIM4 + (DIM4 + 15u) / 16u;
}

fn kv4(which: u32, row: u32, i: u32) -> vec4f {
    let scales = unpack2x16float(kv_word(which, row + DIM4 + i / 16u));
    return select(scales.x, scales.y, i / 8u % 2u == 1u) * vec4f(unpack4xI8(kv_word(which, row + i)));
}

// As ggml's quantize_row_q8_0_ref: round(x / d), halves away from zero.
fn kv_pack(values: array<vec4f, UNIT>) -> array<Word, UNIT_WORDS> {
    var words: array<Word, UNIT_WORDS>;
    words[16] = 0u;
    for (var block = 0u; block < 2u; block++) {
        var most = vec4f(0.0);
        for (var i = 0u; i < 8u; i++) {
            most = max(most, abs(values[8u * block + i]));
        }
        let scale = max(max(most.x, most.y), max(most.z, most.w)) / 127.0;
        let inverse = select(0.0, 1.0 / scale, scale > 0.0);
        for (var i = 0u; i < 8u; i++) {
            let x = abs(values[8u * block + i] * inverse);
            let whole = trunc(x) + select(vec4f(0.0), vec4f(1.0), fract(x) >= vec4f(0.5));
            words[8u * block + i] = pack4xI8(vec4i(sign(values[8u * block + i]) * whole));
        }
        words[16] |= half_bits(scale) << (16u * block);
    }
    return words;
}

fn kv_place(unit: u32, word: u32) -> u32 {
    if word == 16u {
        return DIM4 + unit;
    }
    // a missing second block has no place
    return select(unit * UNIT + word, kv_row(), unit * UNIT + word >= DIM4);
}
