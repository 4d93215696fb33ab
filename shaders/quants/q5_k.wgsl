// Q5_K: 256 weights in 8 groups of 32; quants: lib/k_scales, 32 bytes of high bits, then 16 bytes a
// group. weight = d * scale * q - dmin * min
//
// The low nibbles are weights 0..15 of a group, the high nibbles weights 16..31; bit j of the high
// bits' byte i is the fifth bit of weight i of group j.

#import lib/k_scales
#import lib/unpack

fn five(nibbles: u32, high: u32) -> vec4f {
    return bytes4((nibbles & 0x0f0f0f0fu) | ((high & 0x01010101u) << 4u));
}

fn decode32(group: u32) -> array<vec4f, 8> {
    let block = (group / 8u) * 11u;
    let j = group & 7u;
    let s = k_scale_min(quants[block], j);
    let a = quants[block + 3u + j];
    let b = a >> vec4u(4u);
    let h = quants[block + 1u] >> vec4u(j);
    let i = quants[block + 2u] >> vec4u(j);
    return array<vec4f, 8>(
        s.x * five(a.x, h.x) - s.y, s.x * five(a.y, h.y) - s.y,
        s.x * five(a.z, h.z) - s.y, s.x * five(a.w, h.w) - s.y,
        s.x * five(b.x, i.x) - s.y, s.x * five(b.y, i.y) - s.y,
        s.x * five(b.z, i.z) - s.y, s.x * five(b.w, i.w) - s.y,
    );
}

fn integers32(group: u32) -> array<vec4u, 2> {
    let block = group / 8u * 11u;
    let j = group & 7u;
    let q = quants[block + 3u + j];
    let h = ((quants[block + 1u] >> vec4u(j)) & vec4u(0x01010101u)) << vec4u(4u);
    let i = ((quants[block + 2u] >> vec4u(j)) & vec4u(0x01010101u)) << vec4u(4u);
    return array<vec4u, 2>(
        (q & vec4u(0x0f0f0f0fu)) | h, ((q >> vec4u(4u)) & vec4u(0x0f0f0f0fu)) | i,
    );
}

fn factors32(group: u32) -> vec4f {
    return k_scale_min(quants[group / 8u * 11u], group & 7u).xxyy * vec4f(1.0, 1.0, -1.0, -1.0);
}
