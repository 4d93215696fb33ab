// IQ3_XXS: 256 weights in 8 groups of 32; scales: 128 words of grid, then f16 d; quants: 64 bytes that name points of the
// grid, 8 a group, then a u32 a group: 4 x 7 bits of signs and 4 bits of s.
// weight = d * (s + 1/2) / 2 * sign * grid value

#import lib/grid_values
#import lib/scales
#import lib/unpack

// Four weights of the point that the lowest byte of `v` names, 4, 12 .. 52 and 62.
fn four(v: u32, signs: u32) -> vec4f {
    let n = nibbles4(grid(v & 255u));
    let seven = n & (n >> 1u) & (n >> 2u) & 0x01010101u;
    return signed_by4(0x04040404u + n * 8u + seven * 2u, signs);
}

fn decode32(group: u32) -> array<vec4f, 8> {
    let block = group / 8u;
    let j = group & 7u;
    let pair = quants[block * 6u + j / 2u];
    let q = select(pair.xy, pair.zw, (j & 1u) == 1u);
    let signs = quants[block * 6u + 4u + j / 4u][j & 3u];
    let d = scale_f16(256u + block) * (f32(signs >> 28u) + 0.5) * 0.5;
    let a = signs8(signs);
    let b = signs8(signs >> 7u);
    let c = signs8(signs >> 14u);
    let e = signs8(signs >> 21u);
    return array<vec4f, 8>(
        d * four(q.x, a), d * four(q.x >> 8u, a >> 4u),
        d * four(q.x >> 16u, b), d * four(q.x >> 24u, b >> 4u),
        d * four(q.y, c), d * four(q.y >> 8u, c >> 4u),
        d * four(q.y >> 16u, e), d * four(q.y >> 24u, e >> 4u),
    );
}
