// Points of the grid that precedes the scales, four weights as the bytes of a word, their signs.

#import lib/unpack

// Point `at` of the grid, 16 bits.
fn grid(at: u32) -> u32 {
    return (scales[at / 2u] >> (16u * (at & 1u))) & 0xffffu;
}

// The numbers of 2 bits in the lowest byte of `v`, one a byte.
fn pairs4(v: u32) -> u32 {
    let wide = ((v & 255u) | (v << 12u)) & 0x000f000fu;
    return (wide | (wide << 6u)) & 0x03030303u;
}

// The numbers of 4 bits in the lower half of `v`, one a byte.
fn nibbles4(v: u32) -> u32 {
    let wide = ((v & 0xffffu) | (v << 8u)) & 0x00ff00ffu;
    return (wide | (wide << 4u)) & 0x0f0f0f0fu;
}

// 7 signs and the eighth, which makes the number of minus signs even.
fn signs8(v: u32) -> u32 {
    let seven = v & 127u;
    return seven | ((countOneBits(seven) & 1u) << 7u);
}

// The bytes of `v`, 1..127, negative where one of the lowest four bits of `signs` is set.
fn signed_by4(v: u32, signs: u32) -> vec4f {
    let minus = spread4(signs, 0u) * 255u;
    return signed4((v ^ minus) + (minus & 0x01010101u));
}
