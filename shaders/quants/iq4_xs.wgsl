// IQ4_XS: 256 weights in 8 groups of 32; scales: f16 d, 8 pairs of high bits, 8 nibbles of low ones
// of a scale a group; quants: 16 bytes a group. weight = d * (scale - 32) * value(q)
//
// The low nibbles are weights 0..15 of a group, the high nibbles weights 16..31.

#import lib/iq4

fn decode32(group: u32) -> array<vec4f, 8> {
    let block = group / 8u;
    let j = group & 7u;
    let first = scales[block * 2u];
    let low = (scales[block * 2u + 1u] >> (4u * j)) & 15u;
    let high = (first >> (16u + 2u * j)) & 3u;
    let d = unpack2x16float(first).x * (f32(low | (high << 4u)) - 32.0);
    let q = quants[group];
    return array<vec4f, 8>(
        d * iq4(low4(q.x)), d * iq4(low4(q.y)), d * iq4(low4(q.z)), d * iq4(low4(q.w)),
        d * iq4(high4(q.x)), d * iq4(high4(q.y)), d * iq4(high4(q.z)), d * iq4(high4(q.w)),
    );
}
