// IQ2_S: 256 weights in 8 groups of 32; scales: 512 words of grid, then f16 d, 8 bytes of high bits, 8 bytes of s, a
// nibble per 16 weights; quants: 32 bytes that name points of the grid, 32 bytes of signs.
// weight = d * (s + 1/2) / 4 * sign * grid value
//
// A group has 4 points; the pairs of its byte of high bits are their bits 8 and 9.

#import lib/iq2
#import lib/scales

fn decode32(group: u32) -> array<vec4f, 8> {
    let block = group / 8u;
    let j = group & 7u;
    let low = quants[block * 4u + j / 4u][j & 3u];
    let signs = quants[block * 4u + 2u + j / 4u][j & 3u];
    let high = scale_u8(2048u + block * 18u + 2u + j);
    let nibbles = scale_u8(2048u + block * 18u + 10u + j);
    let d = scale_f16(1024u + block * 9u) * 0.25;
    let s = d * (f32(nibbles & 15u) + 0.5);
    let t = d * (f32(nibbles >> 4u) + 0.5);
    let a = grid((low & 255u) | ((high & 3u) << 8u));
    let b = grid(((low >> 8u) & 255u) | ((high & 12u) << 6u));
    let c = grid(((low >> 16u) & 255u) | ((high & 48u) << 4u));
    let e = grid((low >> 24u) | ((high & 192u) << 2u));
    return array<vec4f, 8>(
        s * iq2_first(a, signs), s * iq2_last(a, signs),
        s * iq2_first(b, signs >> 8u), s * iq2_last(b, signs >> 8u),
        t * iq2_first(c, signs >> 16u), t * iq2_last(c, signs >> 16u),
        t * iq2_first(e, signs >> 24u), t * iq2_last(e, signs >> 24u),
    );
}
