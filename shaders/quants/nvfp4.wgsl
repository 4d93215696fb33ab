// NVFP4: 64 weights in 4 parts of 16; scales: a byte a part, a float of 4 bits exponent and 3 bits
// mantissa; quants: 8 bytes a part. weight = scale / 2 * value(q)
//
// The low nibbles are weights 0..7 of a part, the high nibbles weights 8..15.

#import lib/e2m1
#import lib/scales

// Half of the scale whose bits are the lower 7 of `v`; 255 is no NaN, but 127 is 0.
fn half_scale(v: u32) -> f32 {
    let exponent = (v >> 3u) & 15u;
    let mantissa = v & 7u;
    let normal = bitcast<f32>(((exponent + 119u) << 23u) | (mantissa << 20u));
    let value = select(normal, f32(mantissa) * 0x1p-10, exponent == 0u);
    return select(value, 0.0, v == 127u);
}

fn decode32(group: u32) -> array<vec4f, 8> {
    let s = half_scale(scale_u8(group * 2u));
    let t = half_scale(scale_u8(group * 2u + 1u));
    let q = quants[group];
    let h = q >> vec4u(4u);
    return array<vec4f, 8>(
        s * e2m1_low4(q.x), s * e2m1_low4(q.y), s * e2m1_low4(h.x), s * e2m1_low4(h.y),
        t * e2m1_low4(q.z), t * e2m1_low4(q.w), t * e2m1_low4(h.z), t * e2m1_low4(h.w),
    );
}
