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
