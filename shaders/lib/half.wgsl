// Exact conversions between half floats and their bits: WGSL lets pack2x16float round either way.

// The bits of the nearest half float, ties to even; what is too large becomes the largest.
fn half_bits(x: f32) -> u32 {
    let bits = bitcast<u32>(x);
    let sign = (bits >> 16u) & 0x8000u;
    let magnitude = bits & 0x7fffffffu;
    if magnitude >= 0x477fe000u {
        return sign | 0x7bffu; // 65504
    }
    if magnitude < 0x38800000u { // below 2^-14 the unit is 2^-24
        let shift = 126u - min(magnitude >> 23u, 126u);
        if shift > 24u {
            return sign;
        }
        return sign | nearest((magnitude & 0x7fffffu) | 0x800000u, shift);
    }
    return sign | (nearest(magnitude, 13u) - 0x1c000u);
}

// x / 2^shift, ties to even; shift is 1 to 24.
fn nearest(x: u32, shift: u32) -> u32 {
    let odd = (x >> shift) & 1u;
    return (x + (1u << (shift - 1u)) - 1u + odd) >> shift;
}
