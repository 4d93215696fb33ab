// F32: one float per weight; 32 weights are 8 words of 16 bytes.

fn decode32(group: u32) -> array<vec4f, 8> {
    let at = group * 8u;
    return array<vec4f, 8>(
        bitcast<vec4f>(quants[at]),
        bitcast<vec4f>(quants[at + 1u]),
        bitcast<vec4f>(quants[at + 2u]),
        bitcast<vec4f>(quants[at + 3u]),
        bitcast<vec4f>(quants[at + 4u]),
        bitcast<vec4f>(quants[at + 5u]),
        bitcast<vec4f>(quants[at + 6u]),
        bitcast<vec4f>(quants[at + 7u]),
    );
}
