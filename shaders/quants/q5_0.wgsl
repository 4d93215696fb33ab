// Q5_0: 32 weights; scales: f16 d, u32 high bits; quants: 16 bytes. weight = d * (q - 16)
//
// The low nibbles are weights 0..15, the high nibbles weights 16..31; bit i is weight i's fifth.

#import lib/scales
#import lib/unpack

// Four weights in bytes.
fn five(nibbles: u32, bits: u32) -> u32 {
    return (nibbles & 0x0f0f0f0fu) | spread4(bits, 4u);
}

fn fifth_bits(group: u32) -> u32 {
    return scale_u16(group * 3u + 1u) | (scale_u16(group * 3u + 2u) << 16u);
}

fn decode32(group: u32) -> array<vec4f, 8> {
    let d = scale_f16(group * 3u);
    let h = fifth_bits(group);
    let q = quants[group];
    let p = q >> vec4u(4u);
    return array<vec4f, 8>(
        d * (bytes4(five(q.x, h)) - 16.0), d * (bytes4(five(q.y, h >> 4u)) - 16.0),
        d * (bytes4(five(q.z, h >> 8u)) - 16.0), d * (bytes4(five(q.w, h >> 12u)) - 16.0),
        d * (bytes4(five(p.x, h >> 16u)) - 16.0), d * (bytes4(five(p.y, h >> 20u)) - 16.0),
        d * (bytes4(five(p.z, h >> 24u)) - 16.0), d * (bytes4(five(p.w, h >> 28u)) - 16.0),
    );
}

fn integers32(group: u32) -> array<vec4u, 2> {
    let h = fifth_bits(group);
    let q = quants[group];
    let p = q >> vec4u(4u);
    let a = vec4u(five(q.x, h), five(q.y, h >> 4u), five(q.z, h >> 8u), five(q.w, h >> 12u));
    let b = vec4u(
        five(p.x, h >> 16u), five(p.y, h >> 20u), five(p.z, h >> 24u), five(p.w, h >> 28u),
    );
    return array<vec4u, 2>(less(a, 16u), less(b, 16u));
}

fn factors32(group: u32) -> vec4f {
    return vec4f(vec2f(scale_f16(group * 3u)), 0.0, 0.0);
}
