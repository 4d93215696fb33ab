// The scale block of Q4_K and Q5_K, 16 bytes: f16 d, f16 dmin, 8 scales and 8 mins of 6 bits.
//
// Bytes 4..7 hold scales 0..3 in their low 6 bits, bytes 8..11 mins 0..3; bytes 12..15 hold the
// low nibbles of scales (low) and mins (high) 4..7, whose top 2 bits are those of bytes 4..11.

// The factor and the minimum of group `group` (32 weights, 8 groups a block): x, y.
fn k_scale_min(group: u32) -> vec2f {
    let block = group / 8u;
    let j = group & 7u;
    let d = unpack2x16float(scales[block * 4u]);
    let shift = 8u * (j & 3u);
    let a = (scales[block * 4u + 1u] >> shift) & 255u;
    let b = (scales[block * 4u + 2u] >> shift) & 255u;
    let c = (scales[block * 4u + 3u] >> shift) & 255u;
    let early = vec2u(a & 63u, b & 63u);
    let late = vec2u((c & 15u) | ((a >> 6u) << 4u), (c >> 4u) | ((b >> 6u) << 4u));
    return d * vec2f(select(late, early, j < 4u));
}
