// IQ3_S: 256 weights in 8 groups of 32; scales: 256 words of grid, then f16 d, 8 bytes of high bits, 32 bytes of signs,
// 4 bytes of s, a nibble a group; quants: 64 bytes that name points of the grid, 8 a group.
// weight = d * (2 s + 1) * sign * grid value
//
// Bit i of a group's byte of high bits is bit 8 of its point i.

#import lib/grid_values
#import lib/scales
#import lib/unpack

// Four weights of the point that the lowest byte of `v` and bit 8 of `high` name: 1, 3 .. 15.
fn four(v: u32, high: u32, signs: u32) -> vec4f {
    let n = nibbles4(grid((v & 255u) | (high & 256u)));
    return signed_by4(0x01010101u + n * 2u, signs);
}

fn decode32(group: u32) -> array<vec4f, 8> {
    let block = group / 8u;
    let j = group & 7u;
    let pair = quants[group / 2u];
    let q = select(pair.xy, pair.zw, (j & 1u) == 1u);
    let at = 512u + block * 23u; // half words
    let high = scale_u8(1024u + block * 46u + 2u + j);
    let signs = scale_u16(at + 5u + j * 2u) | (scale_u16(at + 6u + j * 2u) << 16u);
    let nibble = (scale_u16(at + 21u + j / 4u) >> (4u * (j & 3u))) & 15u;
    let d = scale_f16(at) * (f32(nibble) * 2.0 + 1.0);
    return array<vec4f, 8>(
        d * four(q.x, high << 8u, signs), d * four(q.x >> 8u, high << 7u, signs >> 4u),
        d * four(q.x >> 16u, high << 6u, signs >> 8u), d * four(q.x >> 24u, high << 5u, signs >> 12u),
        d * four(q.y, high << 4u, signs >> 16u), d * four(q.y >> 8u, high << 3u, signs >> 20u),
        d * four(q.y >> 16u, high << 2u, signs >> 24u), d * four(q.y >> 24u, high << 1u, signs >> 28u),
    );
}
