// Q4_1: 32 weights; scales: f16 d, f16 m; quants: 16 bytes. weight = d * q + m
//
// The low nibbles are weights 0..15, the high nibbles weights 16..31.

#import lib/unpack

fn decode32(group: u32) -> array<vec4f, 8> {
    let dm = unpack2x16float(scales[group]);
    let d = dm.x;
    let m = dm.y;
    let q = quants[group];
    return array<vec4f, 8>(
        d * low4(q.x) + m, d * low4(q.y) + m, d * low4(q.z) + m, d * low4(q.w) + m,
        d * high4(q.x) + m, d * high4(q.y) + m, d * high4(q.z) + m, d * high4(q.w) + m,
    );
}

fn integers32(group: u32) -> array<vec4u, 2> {
    let q = quants[group];
    return array<vec4u, 2>(q & vec4u(0x0f0f0f0fu), (q >> vec4u(4u)) & vec4u(0x0f0f0f0fu));
}

fn factors32(group: u32) -> vec4f {
    return unpack2x16float(scales[group]).xxyy;
}
