// Dot products of 32 decoded weights with x, in vectors of four.
//
// Rows whose length is no multiple of 32 are padded with zero weights; x is not, so that reads
// past its row (`left` vectors) must count as zero whatever lies there.

fn x4(at: u32, i: u32, left: u32) -> vec4f {
    return select(vec4f(0.0), x[at + i], i < left);
}

// x[at .. at + 7]. Load it once and use it for several rows: on a CPU loads cost most.
fn x32(at: u32, left: u32) -> array<vec4f, 8> {
    return array<vec4f, 8>(
        x4(at, 0u, left), x4(at, 1u, left), x4(at, 2u, left), x4(at, 3u, left),
        x4(at, 4u, left), x4(at, 5u, left), x4(at, 6u, left), x4(at, 7u, left),
    );
}

fn dot32(w: array<vec4f, 8>, v: array<vec4f, 8>) -> f32 {
    return dot(w[0], v[0]) + dot(w[1], v[1]) + dot(w[2], v[2]) + dot(w[3], v[3])
        + dot(w[4], v[4]) + dot(w[5], v[5]) + dot(w[6], v[6]) + dot(w[7], v[7]);
}
