// Q2_K: 256 weights in 8 groups of 32; scales: 16 bytes of scale (low nibble) and min (high), one
// per 16 weights, f16 d, f16 dmin; quants: 64 bytes. weight = d * scale * q - dmin * min
//
// Each half block (4 groups) has 32 bytes: pair k of byte i is weight i of group k.

#import lib/scales
#import lib/unpack

fn decode32(group: u32) -> array<vec4f, 8> {
    let block = group / 8u;
    let j = group & 7u;
    let at = block * 4u + (j / 4u) * 2u;
    let a = quants[at] >> vec4u(2u * (j & 3u));
    let b = quants[at + 1u] >> vec4u(2u * (j & 3u));
    let d = unpack2x16float(scales[block * 5u + 4u]);
    let both = scales[block * 5u + j / 2u] >> (16u * (j & 1u));
    let s = d * vec2f(f32(both & 15u), f32((both >> 4u) & 15u));
    let t = d * vec2f(f32((both >> 8u) & 15u), f32((both >> 12u) & 15u));
    return array<vec4f, 8>(
        s.x * two4(a.x) - s.y, s.x * two4(a.y) - s.y, s.x * two4(a.z) - s.y, s.x * two4(a.w) - s.y,
        t.x * two4(b.x) - t.y, t.x * two4(b.y) - t.y, t.x * two4(b.z) - t.y, t.x * two4(b.w) - t.y,
    );
}
