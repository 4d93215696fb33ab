// Q5_0: 32 weights; scales: f16 d, u32 high bits; quants: 16 bytes. weight = d * (q - 16)
//
// The low nibbles are weights 0..15, the high nibbles weights 16..31; bit i is weight i's fifth.
// q - 16 is made at the top of a byte, eightfold, with the fifth bit upside down for its sign.

#import lib/unpack

// The bits of d, and the fifth bits upside down: a group's 6 bytes lie in two words.
fn header(group: u32) -> vec2u {
    let a = scales[group * 3u / 2u];
    let b = scales[group * 3u / 2u + 1u];
    let high = vec2u((a >> 16u) | (b << 16u), b);
    return vec2u(a >> (16u * (group & 1u)), ~select(high.x, high.y, (group & 1u) == 1u));
}

fn eighth(half: u32) -> f32 {
    return 0.125 * unpack2x16float(half).x;
}

fn five(nibbles: u32, zeros: u32) -> u32 {
    return (nibbles & 0x78787878u) | spread4(zeros, 7u);
}

fn integers32(group: u32) -> array<vec4u, 2> {
    let z = header(group).y;
    let q = quants[group];
    let a = q << vec4u(3u);
    let b = q >> vec4u(1u);
    return array<vec4u, 2>(
        vec4u(five(a.x, z), five(a.y, z >> 4u), five(a.z, z >> 8u), five(a.w, z >> 12u)),
        vec4u(five(b.x, z >> 16u), five(b.y, z >> 20u), five(b.z, z >> 24u), five(b.w, z >> 28u)),
    );
}

fn factors32(group: u32) -> vec4f {
    return vec4f(vec2f(eighth(header(group).x)), 0.0, 0.0);
}

fn decode32(group: u32) -> array<vec4f, 8> {
    let d = eighth(header(group).x);
    let q = integers32(group);
    let a = q[0];
    let b = q[1];
    return array<vec4f, 8>(
        d * signed4(a.x), d * signed4(a.y), d * signed4(a.z), d * signed4(a.w),
        d * signed4(b.x), d * signed4(b.y), d * signed4(b.z), d * signed4(b.w),
    );
}
