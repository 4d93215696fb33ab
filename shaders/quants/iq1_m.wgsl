// IQ1_M: 256 weights in 8 groups of 32; scales: 1,024 words of grid, then 4 x u16; quants: 32 bytes that name points of the
// grid, 4 a group, then a u16 a group. weight = d * (2 s + 1) * (grid value + delta)
//
// A nibble of a group's u16 is 3 high bits of a point and the sign of its delta, which is 1/8. A u16
// of the scales is the s of 4 x 16 weights, 3 bits each, and a nibble of d, an f16, lowest first.

#import lib/iq1

fn decode32(group: u32) -> array<vec4f, 8> {
    let block = group / 8u;
    let j = group & 7u;
    let low = quants[block * 3u + j / 4u][j & 3u];
    let h = quants[block * 3u + 2u][j / 2u] >> (16u * (j & 1u));
    let x = scales[1024u + block * 2u];
    let y = scales[1025u + block * 2u];
    let d_bits = ((x >> 12u) & 15u) | ((x >> 24u) & 0xf0u) | ((y >> 4u) & 0xf00u)
        | ((y >> 16u) & 0xf000u);
    let d = unpack2x16float(d_bits).x * 0.125;
    let shift = 16u * ((j / 2u) & 1u) + 6u * (j & 1u);
    let both = select(x, y, j > 3u) >> shift;
    let s = d * (f32(both & 7u) * 2.0 + 1.0);
    let t = d * (f32((both >> 3u) & 7u) * 2.0 + 1.0);
    let a = grid((low & 255u) | ((h << 8u) & 0x700u));
    let b = grid(((low >> 8u) & 255u) | ((h << 4u) & 0x700u));
    let c = grid(((low >> 16u) & 255u) | (h & 0x700u));
    let e = grid((low >> 24u) | ((h >> 4u) & 0x700u));
    return array<vec4f, 8>(
        s * iq1_four(a, h & 8u), s * iq1_four(a >> 8u, h & 8u),
        s * iq1_four(b, h & 0x80u), s * iq1_four(b >> 8u, h & 0x80u),
        t * iq1_four(c, h & 0x800u), t * iq1_four(c >> 8u, h & 0x800u),
        t * iq1_four(e, h & 0x8000u), t * iq1_four(e >> 8u, h & 0x8000u),
    );
}
