// Q5_1: 32 weights; scales: f16 d, f16 m, u32 high bits; quants: 16 bytes. weight = d * q + m
//
// The low nibbles are weights 0..15, the high nibbles weights 16..31; bit i is weight i's fifth.

#import lib/unpack

// Four weights in bytes.
fn five(nibbles: u32, bits: u32) -> u32 {
    return (nibbles & 0x0f0f0f0fu) | spread4(bits, 4u);
}

fn decode32(group: u32) -> array<vec4f, 8> {
    let dm = unpack2x16float(scales[group * 2u]);
    let d = dm.x;
    let m = dm.y;
    let h = scales[group * 2u + 1u];
    let q = quants[group];
    let p = q >> vec4u(4u);
    return array<vec4f, 8>(
        d * bytes4(five(q.x, h)) + m, d * bytes4(five(q.y, h >> 4u)) + m,
        d * bytes4(five(q.z, h >> 8u)) + m, d * bytes4(five(q.w, h >> 12u)) + m,
        d * bytes4(five(p.x, h >> 16u)) + m, d * bytes4(five(p.y, h >> 20u)) + m,
        d * bytes4(five(p.z, h >> 24u)) + m, d * bytes4(five(p.w, h >> 28u)) + m,
    );
}

fn integers32(group: u32) -> array<vec4u, 2> {
    let h = scales[group * 2u + 1u];
    let q = quants[group];
    let p = q >> vec4u(4u);
    return array<vec4u, 2>(
        vec4u(five(q.x, h), five(q.y, h >> 4u), five(q.z, h >> 8u), five(q.w, h >> 12u)),
        vec4u(five(p.x, h >> 16u), five(p.y, h >> 20u), five(p.z, h >> 24u), five(p.w, h >> 28u)),
    );
}

fn factors32(group: u32) -> vec4f {
    return unpack2x16float(scales[group * 2u]).xxyy;
}
