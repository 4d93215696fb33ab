// The 4-bit floats of MXFP4 and NVFP4 (sign, two bits exponent, one bit mantissa), twice their
// value: 0, 1, 2, 3, 4, 6, 8, 12.

#import lib/unpack

// The values of the low nibbles of the bytes of `v`.
fn e2m1_low4(v: u32) -> vec4f {
    let m = v & 0x07070707u;
    let upper = ((v >> 2u) & 0x01010101u) * 3u; // 3 where the exponent is 2 or 3
    let both = m & (m >> 1u) & upper & 0x01010101u;
    let value = m + (m & upper) + 2u * both;
    let minus = ((v >> 3u) & 0x01010101u) * 255u;
    return bytes4(0x0c0c0c0cu + value - 2u * (value & minus)) - 12.0;
}
