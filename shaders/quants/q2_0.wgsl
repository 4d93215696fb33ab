// Q2_0: 64 weights in 2 groups of 32; scales: f16 d; quants: 16 bytes. weight = d * (q - 1)
//
// Pair i of bits is weight i.

#import lib/grid_values
#import lib/scales
#import lib/unpack

fn two(pairs: u32) -> vec4f {
    return bytes4(pairs4(pairs)) - 1.0;
}

fn decode32(group: u32) -> array<vec4f, 8> {
    let d = scale_f16(group / 2u);
    let both = quants[group / 2u];
    let q = select(both.xy, both.zw, (group & 1u) == 1u);
    return array<vec4f, 8>(
        d * two(q.x), d * two(q.x >> 8u), d * two(q.x >> 16u), d * two(q.x >> 24u),
        d * two(q.y), d * two(q.y >> 8u), d * two(q.y >> 16u), d * two(q.y >> 24u),
    );
}
