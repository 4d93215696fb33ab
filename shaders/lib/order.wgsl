// A key that orders like the float whose bits it is made of: larger float, larger u32.
//
// -inf < ... < -0.0 < 0.0 < ... < inf < every NaN, so that a NaN is always among the highest and
// its reader sees it. Bits, not floats, because WGSL may assume that there are no NaNs.

fn order_key(bits: u32) -> u32 {
    if (bits & 0x7fffffffu) > 0x7f800000u {
        return 0xffffffffu;
    }
    return select(bits | 0x80000000u, ~bits, (bits & 0x80000000u) != 0u);
}
