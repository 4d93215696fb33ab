// Q3_K: 256 weights in 8 groups of 32; scales: 12 bytes with a scale of 6 bits per 16 weights, f16
// d; quants: 32 bytes of high bits, 64 bytes of pairs. weight = d * (scale - 32) * (q - 4)
//
// Each half block (4 groups) has 32 bytes of pairs: pair k of byte i is weight i of group k; bit j
// of the high bits' byte i is the third bit of weight i of group j. Scales 0..7 have the low nibbles
// of bytes 0..7, scales 8..15 the high ones; their upper bits are pair i / 4 of byte 8 + i % 4.

#import lib/scales
#import lib/unpack

fn three(pairs: u32, high: u32) -> vec4f {
    return bytes4((pairs & 0x03030303u) | ((high & 0x01010101u) << 2u)) - 4.0;
}

fn decode32(group: u32) -> array<vec4f, 8> {
    let block = group / 8u;
    let j = group & 7u;
    let at = block * 6u + 2u + (j / 4u) * 2u;
    let a = quants[at] >> vec4u(2u * (j & 3u));
    let b = quants[at + 1u] >> vec4u(2u * (j & 3u));
    let h = quants[block * 6u] >> vec4u(j);
    let i = quants[block * 6u + 1u] >> vec4u(j);
    let d = scale_f16(block * 7u + 6u);
    let low = (scale_u16(block * 7u + (j & 3u)) >> (4u * (j / 4u))) & 0x0f0fu;
    let high = (scale_u16(block * 7u + 4u + (j & 1u)) >> (2u * (j / 2u))) & 0x0303u;
    let both = low | (high << 4u);
    let s = d * (f32(both & 255u) - 32.0);
    let t = d * (f32(both >> 8u) - 32.0);
    return array<vec4f, 8>(
        s * three(a.x, h.x), s * three(a.y, h.y), s * three(a.z, h.z), s * three(a.w, h.w),
        t * three(b.x, i.x), t * three(b.y, i.y), t * three(b.z, i.z), t * three(b.w, i.w),
    );
}
