// MXFP4: 32 weights; scales: a byte e; quants: 16 bytes. weight = 2^(e - 128) * value(q)
//
// The low nibbles are weights 0..15, the high nibbles weights 16..31. For e = 0 and 1 the factor is
// denormal, which a GPU may flush to 0.

#import lib/e2m1
#import lib/scales

fn decode32(group: u32) -> array<vec4f, 8> {
    let e = scale_u8(group);
    let d = bitcast<f32>(select((e - 1u) << 23u, 0x00200000u << e, e < 2u));
    let q = quants[group];
    let h = q >> vec4u(4u);
    return array<vec4f, 8>(
        d * e2m1_low4(q.x), d * e2m1_low4(q.y), d * e2m1_low4(q.z), d * e2m1_low4(q.w),
        d * e2m1_low4(h.x), d * e2m1_low4(h.y), d * e2m1_low4(h.z), d * e2m1_low4(h.w),
    );
}
