// Q8_0: 32 weights; scales: f16 d; quants: 32 x i8. weight = d * q

#import lib/scales
#import lib/unpack

fn decode32(group: u32) -> array<vec4f, 8> {
    let d = scale_f16(group);
    let a = quants[group * 2u];
    let b = quants[group * 2u + 1u];
    return array<vec4f, 8>(
        d * signed4(a.x), d * signed4(a.y), d * signed4(a.z), d * signed4(a.w),
        d * signed4(b.x), d * signed4(b.y), d * signed4(b.z), d * signed4(b.w),
    );
}

fn integers32(group: u32) -> array<vec4u, 2> {
    return array<vec4u, 2>(quants[group * 2u], quants[group * 2u + 1u]);
}

fn factors32(group: u32) -> vec4f {
    return vec4f(vec2f(scale_f16(group)), 0.0, 0.0);
}
