// Q6_K: 256 weights in 8 groups of 32; scales: 16 x i8 (one per 16 weights), f16 d; quants: 128
// bytes of low nibbles, 64 bytes of high bit pairs. weight = d * scale * (q - 32)
//
// Each half block (4 groups) has 64 bytes of nibbles and 32 of pairs. The nibbles of groups 0, 2, 1,
// 3 have 16 bytes each, weights 0..15 in the low ones, 16..31 in the high ones; pair k of byte i is
// the upper bits of weight i of group k.

#import lib/scales
#import lib/unpack

fn six(nibbles: u32, pairs: u32) -> vec4f {
    return bytes4((nibbles & 0x0f0f0f0fu) | ((pairs & 0x03030303u) << 4u)) - 32.0;
}

fn decode32(group: u32) -> array<vec4f, 8> {
    let block = group / 8u;
    let half = (group / 4u) & 1u;
    let k = group & 3u;
    let pairs_at = block * 12u + 8u + half * 2u;
    let a = quants[block * 12u + half * 4u + (k & 1u) * 2u + k / 2u];
    let b = a >> vec4u(4u);
    let h = quants[pairs_at] >> vec4u(2u * k);
    let i = quants[pairs_at + 1u] >> vec4u(2u * k);
    let d = scale_f16(block * 9u + 8u);
    let scale_pair = scale_u16(block * 9u + (group & 7u));
    let s = d * f32(i32(scale_pair << 24u) >> 24u);
    let t = d * f32(i32(scale_pair << 16u) >> 24u);
    return array<vec4f, 8>(
        s * six(a.x, h.x), s * six(a.y, h.y), s * six(a.z, h.z), s * six(a.w, h.w),
        t * six(b.x, i.x), t * six(b.y, i.y), t * six(b.z, i.z), t * six(b.w, i.w),
    );
}
