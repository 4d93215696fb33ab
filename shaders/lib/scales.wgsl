// Read `scales: array<u32>` as little-endian bytes or half floats.

fn scale_u8(at: u32) -> u32 {
    return (scales[at / 4u] >> (8u * (at & 3u))) & 0xffu;
}

// `at` counts half floats.
fn scale_u16(at: u32) -> u32 {
    return (scales[at / 2u] >> (16u * (at & 1u))) & 0xffffu;
}

fn scale_f16(at: u32) -> f32 {
    return unpack2x16float(scale_u16(at)).x;
}
