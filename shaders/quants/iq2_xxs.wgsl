// IQ2_XXS: 256 weights in 8 groups of 32; scales: 128 words of
// grid, then f16 d; quants: 8 bytes a group.
// weight = d * (s + 1/2) / 4 * sign * grid value
//
// A group is 4 bytes that name points of the grid, then 4 x 7 bits of signs and 4 bits of s.

#import lib/iq2
#import lib/scales

fn decode32(group: u32) -> array<vec4f, 8> {
    let pair = quants[group / 2u];
    let q = select(pair.xy, pair.zw, (group & 1u) == 1u);
    let d = scale_f16(256u + group / 8u) * (f32(q.y >> 28u) + 0.5) * 0.25;
    let g = vec4u(grid(q.x & 255u), grid((q.x >> 8u) & 255u), grid((q.x >> 16u) & 255u),
        grid(q.x >> 24u));
    let a = signs8(q.y);
    let b = signs8(q.y >> 7u);
    let c = signs8(q.y >> 14u);
    let e = signs8(q.y >> 21u);
    return array<vec4f, 8>(
        d * iq2_first(g.x, a), d * iq2_last(g.x, a), d * iq2_first(g.y, b), d * iq2_last(g.y, b),
        d * iq2_first(g.z, c), d * iq2_last(g.z, c), d * iq2_first(g.w, e), d * iq2_last(g.w, e),
    );
}
