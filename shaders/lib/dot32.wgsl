// The dot product of 32 decoded weights with x[at ..], x in vectors of four.
//
// Rows whose length is no multiple of 32 are padded with zero weights; x is not, so that reads
// past its row (`left` vectors) must count as zero whatever lies there.

fn x4(at: u32, i: u32, left: u32) -> vec4f {
    return select(vec4f(0.0), x[at + i], i < left);
}

fn dot32(w: array<vec4f, 8>, at: u32, left: u32) -> f32 {
    return dot(w[0], x4(at, 0u, left)) + dot(w[1], x4(at, 1u, left))
        + dot(w[2], x4(at, 2u, left)) + dot(w[3], x4(at, 3u, left))
        + dot(w[4], x4(at, 4u, left)) + dot(w[5], x4(at, 5u, left))
        + dot(w[6], x4(at, 6u, left)) + dot(w[7], x4(at, 7u, left));
}
