// Q5_1: 32 weights; scales: f16 d, f16 m, u32 high bits; quants: 16 bytes. weight = d * q + m
//
// The low nibbles are weights 0..15, the high nibbles weights 16..31; bit i is weight i's fifth.

#import lib/unpack

fn five(nibbles: u32, bits: u32) -> vec4f {
    return bytes4((nibbles & 0x0f0f0f0fu) | spread4(bits, 4u));
}

fn decode32(group: u32) -> array<vec4f, 8> {
    let dm = unpack2x16float(scales[group * 2u]);
    let d = dm.x;
    let m = dm.y;
    let bits = scales[group * 2u + 1u];
    let q = quants[group];
    return array<vec4f, 8>(
        d * five(q.x, bits) + m, d * five(q.y, bits >> 4u) + m,
        d * five(q.z, bits >> 8u) + m, d * five(q.w, bits >> 12u) + m,
        d * five(q.x >> 4u, bits >> 16u) + m, d * five(q.y >> 4u, bits >> 20u) + m,
        d * five(q.z >> 4u, bits >> 24u) + m, d * five(q.w >> 4u, bits >> 28u) + m,
    );
}
