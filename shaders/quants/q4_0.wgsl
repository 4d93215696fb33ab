// Q4_0: 32 weights; scales: f16 d; quants: 16 bytes. weight = d * (q - 8)
//
// The low nibbles are weights 0..15, the high nibbles weights 16..31.

#import lib/scales
#import lib/unpack

fn decode32(group: u32) -> array<vec4f, 8> {
    let d = scale_f16(group);
    let q = quants[group];
    return array<vec4f, 8>(
        d * (low4(q.x) - 8.0), d * (low4(q.y) - 8.0),
        d * (low4(q.z) - 8.0), d * (low4(q.w) - 8.0),
        d * (high4(q.x) - 8.0), d * (high4(q.y) - 8.0),
        d * (high4(q.z) - 8.0), d * (high4(q.w) - 8.0),
    );
}

fn integers32(group: u32) -> array<vec4u, 2> {
    let q = quants[group];
    return array<vec4u, 2>(
        less(q & vec4u(0x0f0f0f0fu), 8u), less((q >> vec4u(4u)) & vec4u(0x0f0f0f0fu), 8u),
    );
}

fn factors32(group: u32) -> vec4f {
    return vec4f(vec2f(scale_f16(group)), 0.0, 0.0);
}
