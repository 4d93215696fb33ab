// KV cache in half floats: four values in two words. The contract is in lib/kv_f32.

#import lib/kv

alias Word = vec2u;
const UNIT = 1u;
const UNIT_WORDS = 1u;

fn kv_row() -> u32 {
    return DIM4;
}

fn kv4(which: u32, row: u32, i: u32) -> vec4f {
    let word = kv_word(which, row + i);
    return vec4f(unpack2x16float(word.x), unpack2x16float(word.y));
}

fn kv_pack(values: array<vec4f, UNIT>) -> array<Word, UNIT_WORDS> {
    let limited = clamp(values[0], vec4f(-65504.0), vec4f(65504.0));
    return array<Word, UNIT_WORDS>(vec2u(pack2x16float(limited.xy), pack2x16float(limited.zw)));
}

fn kv_place(unit: u32, word: u32) -> u32 {
    return unit;
}
