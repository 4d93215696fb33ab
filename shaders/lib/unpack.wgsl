// Bytes and nibbles of a word as four numbers, lowest first.

// The bytes of `v`, 0..255.
fn bytes4(v: u32) -> vec4f {
    return vec4f(f32(v & 255u), f32((v >> 8u) & 255u), f32((v >> 16u) & 255u), f32(v >> 24u));
}

// The bytes of `v`, -128..127.
fn signed4(v: u32) -> vec4f {
    let i = vec4i(i32(v << 24u), i32(v << 16u), i32(v << 8u), i32(v));
    return vec4f(i >> vec4u(24u));
}

// The low nibbles of the bytes of `v`, 0..15.
fn low4(v: u32) -> vec4f {
    return bytes4(v & 0x0f0f0f0fu);
}

// The high nibbles of the bytes of `v`, 0..15.
fn high4(v: u32) -> vec4f {
    return bytes4((v >> 4u) & 0x0f0f0f0fu);
}

// The pairs of bits that begin at bit 0 of the bytes of `v`, 0..3.
fn two4(v: u32) -> vec4f {
    return bytes4(v & 0x03030303u);
}

// The lowest four bits of `v`, spread to bit `shift` of each byte.
fn spread4(v: u32, shift: u32) -> u32 {
    return (((v & 15u) * 0x00204081u) & 0x01010101u) << shift;
}

// Each byte of `v`, 0..127, less `by`: a signed byte.
fn less(v: vec4u, by: u32) -> vec4u {
    return ((v | vec4u(0x80808080u)) - vec4u(by * 0x01010101u)) ^ vec4u(0x80808080u);
}
