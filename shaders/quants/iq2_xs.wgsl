// IQ2_XS: 256 weights in 8 groups of 32; scales: 256 words of grid, then f16 d, 8 bytes
// of s, a nibble per 16 weights; quants: 4 x u16 a group. weight = d * (s + 1/2) / 4 * sign * grid value
//
// The lower 9 bits of a u16 name a point of the grid, the upper 7 are its signs.

#import lib/iq2
#import lib/scales

fn decode32(group: u32) -> array<vec4f, 8> {
    let pair = quants[group / 2u];
    let q = select(pair.xy, pair.zw, (group & 1u) == 1u);
    let block = group / 8u;
    let nibbles = scale_u8(1024u + block * 10u + 2u + (group & 7u));
    let d = scale_f16(512u + block * 5u) * 0.25;
    let s = d * (f32(nibbles & 15u) + 0.5);
    let t = d * (f32(nibbles >> 4u) + 0.5);
    let g = vec4u(grid(q.x & 511u), grid((q.x >> 16u) & 511u), grid(q.y & 511u),
        grid((q.y >> 16u) & 511u));
    let a = signs8(q.x >> 9u);
    let b = signs8(q.x >> 25u);
    let c = signs8(q.y >> 9u);
    let e = signs8(q.y >> 25u);
    return array<vec4f, 8>(
        s * iq2_first(g.x, a), s * iq2_last(g.x, a), s * iq2_first(g.y, b), s * iq2_last(g.y, b),
        t * iq2_first(g.z, c), t * iq2_last(g.z, c), t * iq2_first(g.w, e), t * iq2_last(g.w, e),
    );
}
