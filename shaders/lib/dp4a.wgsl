// Products of a row's weights with 32 values of h, rounded to Q8_0's signed bytes
//
// Weights are factor * q + minimum, exactly, with signed bytes q: a format's integers32 gives 16 of
// them in each vector, its factors32 the factors of both (x, y) and their minima (z, w). Products of
// bytes are summed as integers; minima meet the sums of h's bytes.

struct Values {
    a: vec4u,
    b: vec4u,
    sums: vec2f, // of the bytes of a, of b
    scale: f32,
}

fn packed4(v: vec4f, inverse: f32) -> u32 {
    return pack4xI8(vec4i(round(v * inverse)));
}

fn values32(h: array<vec4f, 8>) -> Values {
    let m = max(max(max(abs(h[0]), abs(h[1])), max(abs(h[2]), abs(h[3]))),
        max(max(abs(h[4]), abs(h[5])), max(abs(h[6]), abs(h[7]))));
    let most = max(max(m.x, m.y), max(m.z, m.w));
    let inverse = select(0.0, 127.0 / most, most > 0.0);
    let a = vec4u(
        packed4(h[0], inverse), packed4(h[1], inverse),
        packed4(h[2], inverse), packed4(h[3], inverse),
    );
    let b = vec4u(
        packed4(h[4], inverse), packed4(h[5], inverse),
        packed4(h[6], inverse), packed4(h[7], inverse),
    );
    let ones = vec4u(0x01010101u);
    return Values(a, b, vec2f(dot16(a, ones), dot16(b, ones)), most / 127.0);
}

fn dot16(a: vec4u, b: vec4u) -> f32 {
    return f32(dot4I8Packed(a.x, b.x) + dot4I8Packed(a.y, b.y)
        + dot4I8Packed(a.z, b.z) + dot4I8Packed(a.w, b.w));
}

fn block_dot(q: array<vec4u, 2>, factors: vec4f, h: Values) -> f32 {
    let sums = vec4f(dot16(q[0], h.a), dot16(q[1], h.b), h.sums);
    return h.scale * dot(factors, sums);
}
