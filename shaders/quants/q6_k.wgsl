// Q6_K: 256 weights in 8 groups of 32; scales: 16 x i8 (one per 16 weights), f16 d; quants: 128
// bytes of low nibbles, 64 bytes of high bit pairs. weight = d * scale * (q - 32)
//
// Each half block (4 groups) has 64 bytes of nibbles and 32 of pairs. The nibbles of groups 0, 2, 1,
// 3 have 16 bytes each, weights 0..15 in the low ones, 16..31 in the high ones; pair k of byte i is
// the upper bits of weight i of group k.

#import lib/scales
#import lib/unpack

// The quants, four to a word, 0..63.
fn sixes(group: u32) -> array<vec4u, 2> {
    let block = group / 8u * 12u;
    let half = (group / 4u) & 1u;
    let k = group & 3u;
    let a = quants[block + half * 4u + (k & 1u) * 2u + k / 2u];
    let h = quants[block + 8u + half * 2u] >> vec4u(2u * k);
    let i = quants[block + 9u + half * 2u] >> vec4u(2u * k);
    return array<vec4u, 2>(
        (a & vec4u(0x0f0f0f0fu)) | ((h & vec4u(0x03030303u)) << vec4u(4u)),
        ((a >> vec4u(4u)) & vec4u(0x0f0f0f0fu)) | ((i & vec4u(0x03030303u)) << vec4u(4u)),
    );
}

fn six(q: u32) -> vec4f {
    return bytes4(q) - 32.0;
}

fn decode32(group: u32) -> array<vec4f, 8> {
    let q = sixes(group);
    let a = q[0];
    let b = q[1];
    let f = factors32(group);
    return array<vec4f, 8>(
        f.x * six(a.x), f.x * six(a.y), f.x * six(a.z), f.x * six(a.w),
        f.y * six(b.x), f.y * six(b.y), f.y * six(b.z), f.y * six(b.w),
    );
}

fn integers32(group: u32) -> array<vec4u, 2> {
    let q = sixes(group);
    return array<vec4u, 2>(less(q[0], 32u), less(q[1], 32u));
}

fn factors32(group: u32) -> vec4f {
    let block = group / 8u * 9u;
    let d = scale_f16(block + 8u);
    let pair = scale_u16(block + (group & 7u));
    return d * vec4f(f32(i32(pair << 24u) >> 24u), f32(i32(pair << 16u) >> 24u), 0.0, 0.0);
}
