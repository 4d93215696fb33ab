// IQ4_NL: 32 weights; scales: f16 d; quants: 16 bytes. weight = d * value(q)
//
// The low nibbles are weights 0..15, the high nibbles weights 16..31.

#import lib/iq4
#import lib/scales

fn decode32(group: u32) -> array<vec4f, 8> {
    let d = scale_f16(group);
    let q = quants[group];
    return array<vec4f, 8>(
        d * iq4(low4(q.x)), d * iq4(low4(q.y)), d * iq4(low4(q.z)), d * iq4(low4(q.w)),
        d * iq4(high4(q.x)), d * iq4(high4(q.y)), d * iq4(high4(q.z)), d * iq4(high4(q.w)),
    );
}
