// KV cache in floats: four values in four words.
//
// The contract of every lib/kv_<type>: `Word` is the element of a cache [kv_heads, slots, row];
// kv_row() says how many a row of DIM4 vectors takes; kv4 reads vector i of the row that starts
// at `row`, of the keys or of the values, through the importer's kv_word; kv_pack makes UNIT
// vectors into words, and kv_place says where in the row each of them goes.

#import lib/kv

alias Word = vec4u;
const UNIT = 1u;
const UNIT_WORDS = 1u;

fn kv_row() -> u32 {
    return DIM4;
}

fn kv4(which: u32, row: u32, i: u32) -> vec4f {
    return bitcast<vec4f>(kv_word(which, row + i));
}

fn kv_pack(values: array<vec4f, UNIT>) -> array<Word, UNIT_WORDS> {
    return array<Word, UNIT_WORDS>(bitcast<vec4u>(values[0]));
}

fn kv_place(unit: u32, word: u32) -> u32 {
    return unit;
}
