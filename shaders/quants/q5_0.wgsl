// Q5_0: 32 weights; scales: f16 d, u32 high bits; quants: 16 bytes. weight = d * (q - 16)
//
// The low nibbles are weights 0..15, the high nibbles weights 16..31; bit i is weight i's fifth.

#import lib/scales
#import lib/unpack

fn five(nibbles: u32, bits: u32) -> vec4f {
    return bytes4((nibbles & 0x0f0f0f0fu) | spread4(bits, 4u)) - 16.0;
}

fn decode32(group: u32) -> array<vec4f, 8> {
    let d = scale_f16(group * 3u);
    let bits = scale_u16(group * 3u + 1u) | (scale_u16(group * 3u + 2u) << 16u);
    let q = quants[group];
    return array<vec4f, 8>(
        d * five(q.x, bits), d * five(q.y, bits >> 4u),
        d * five(q.z, bits >> 8u), d * five(q.w, bits >> 12u),
        d * five(q.x >> 4u, bits >> 16u), d * five(q.y >> 4u, bits >> 20u),
        d * five(q.z >> 4u, bits >> 24u), d * five(q.w >> 4u, bits >> 28u),
    );
}
