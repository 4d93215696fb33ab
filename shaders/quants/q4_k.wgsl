// Q4_K: 256 weights in 8 groups of 32; quants: lib/k_scales, then 16 bytes a group.
// weight = d * scale * q - dmin * min
//
// The low nibbles are weights 0..15 of a group, the high nibbles weights 16..31.

#import lib/k_scales
#import lib/unpack

fn decode32(group: u32) -> array<vec4f, 8> {
    let block = (group / 8u) * 9u;
    let s = k_scale_min(quants[block], group & 7u);
    let q = quants[block + 1u + (group & 7u)];
    return array<vec4f, 8>(
        s.x * low4(q.x) - s.y, s.x * low4(q.y) - s.y,
        s.x * low4(q.z) - s.y, s.x * low4(q.w) - s.y,
        s.x * high4(q.x) - s.y, s.x * high4(q.y) - s.y,
        s.x * high4(q.z) - s.y, s.x * high4(q.w) - s.y,
    );
}

fn integers32(group: u32) -> array<vec4u, 2> {
    let q = quants[group / 8u * 9u + 1u + (group & 7u)];
    return array<vec4u, 2>(q & vec4u(0x0f0f0f0fu), (q >> vec4u(4u)) & vec4u(0x0f0f0f0fu));
}

fn factors32(group: u32) -> vec4f {
    return k_scale_min(quants[group / 8u * 9u], group & 7u).xxyy * vec4f(1.0, 1.0, -1.0, -1.0);
}
