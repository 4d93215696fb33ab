// Q4_K: 256 weights in 8 groups of 32; scales: lib/k_scales; quants: 128 bytes.
// weight = d * scale * q - dmin * min
//
// Bytes 32 j .. 32 j + 31 hold groups 2 j (low nibbles) and 2 j + 1 (high nibbles).

#import lib/k_scales
#import lib/unpack

fn decode32(group: u32) -> array<vec4f, 8> {
    let s = k_scale_min(group);
    let at = (group / 2u) * 2u;
    let shift = 4u * (group & 1u);
    let a = quants[at] >> vec4u(shift);
    let b = quants[at + 1u] >> vec4u(shift);
    return array<vec4f, 8>(
        s.x * low4(a.x) - s.y, s.x * low4(a.y) - s.y, s.x * low4(a.z) - s.y, s.x * low4(a.w) - s.y,
        s.x * low4(b.x) - s.y, s.x * low4(b.y) - s.y, s.x * low4(b.z) - s.y, s.x * low4(b.w) - s.y,
    );
}
