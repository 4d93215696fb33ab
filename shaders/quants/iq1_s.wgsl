// IQ1_S: 256 weights in 8 groups of 32; scales: 1,024 words of grid, then f16 d; quants: 32 bytes that name points of the
// grid, 4 a group, then a u16 a group. weight = d * (2 s + 1) * (grid value + delta)
//
// A group's u16 is 4 x 3 high bits of its points, 3 bits s, and the sign of delta, which is 1/8.

#import lib/iq1
#import lib/scales

fn decode32(group: u32) -> array<vec4f, 8> {
    let block = group / 8u;
    let j = group & 7u;
    let low = quants[block * 3u + j / 4u][j & 3u];
    let h = quants[block * 3u + 2u][j / 2u] >> (16u * (j & 1u));
    let d = scale_f16(2048u + block) * (f32((h >> 12u) & 7u) * 2.0 + 1.0) * 0.125;
    let a = grid((low & 255u) | ((h << 8u) & 0x700u));
    let b = grid(((low >> 8u) & 255u) | ((h << 5u) & 0x700u));
    let c = grid(((low >> 16u) & 255u) | ((h << 2u) & 0x700u));
    let e = grid((low >> 24u) | ((h >> 1u) & 0x700u));
    let minus = h & 0x8000u;
    return array<vec4f, 8>(
        d * iq1_four(a, minus), d * iq1_four(a >> 8u, minus),
        d * iq1_four(b, minus), d * iq1_four(b >> 8u, minus),
        d * iq1_four(c, minus), d * iq1_four(c >> 8u, minus),
        d * iq1_four(e, minus), d * iq1_four(e >> 8u, minus),
    );
}
