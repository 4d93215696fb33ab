// Q6_K: 256 weights in 8 groups of 32; scales: 16 x i8 (one per 16 weights), f16 d; quants: 128
// bytes of low nibbles, 64 bytes of high bit pairs. weight = d * scale * (q - 32)
//
// Each half block (4 groups) has 64 bytes of nibbles and 32 of pairs. The nibbles of groups 0, 2, 1,
// 3 have 16 bytes each, weights 0..15 in the low ones, 16..31 in the high ones; pair k of byte i is
// the upper bits of weight i of group k. q - 32 is made at the top of a byte, fourfold, with the
// highest bit upside down for its sign.

#import lib/scales
#import lib/unpack

fn integers32(group: u32) -> array<vec4u, 2> {
    let block = group / 8u * 12u;
    let half = (group / 4u) & 1u;
    let k = group & 3u;
    let a = quants[block + half * 4u + (k & 1u) * 2u + k / 2u];
    let h = quants[block + 8u + half * 2u] << vec4u(6u - 2u * k);
    let i = quants[block + 9u + half * 2u] << vec4u(6u - 2u * k);
    let low = vec4u(0x3c3c3c3cu);
    let top = vec4u(0xc0c0c0c0u);
    let sign = vec4u(0x80808080u);
    return array<vec4u, 2>(
        ((a << vec4u(2u)) & low) | ((h & top) ^ sign), ((a >> vec4u(2u)) & low) | ((i & top) ^ sign),
    );
}

fn factors32(group: u32) -> vec4f {
    let block = group / 8u * 9u;
    let d = 0.25 * scale_f16(block + 8u);
    let pair = scale_u16(block + (group & 7u));
    return d * vec4f(f32(i32(pair << 24u) >> 24u), f32(i32(pair << 16u) >> 24u), 0.0, 0.0);
}

fn decode32(group: u32) -> array<vec4f, 8> {
    let f = factors32(group);
    let q = integers32(group);
    let a = q[0];
    let b = q[1];
    return array<vec4f, 8>(
        f.x * signed4(a.x), f.x * signed4(a.y), f.x * signed4(a.z), f.x * signed4(a.w),
        f.y * signed4(b.x), f.y * signed4(b.y), f.y * signed4(b.z), f.y * signed4(b.w),
    );
}
