// The scale block of Q4_K and Q5_K, 16 bytes: f16 d, f16 dmin, 8 scales and 8 mins of 6 bits.
//
// Bytes 4..7 hold scales 0..3 in their low 6 bits, bytes 8..11 mins 0..3; bytes 12..15 hold the
// low nibbles of scales (low) and mins (high) 4..7, whose top 2 bits are those of bytes 4..11.

// The factor and the minimum of group `j` of 8 (32 weights each): x, y.
fn k_scale_min(block: vec4u, j: u32) -> vec2f {
    let bytes = block.yzw >> vec3u(8u * (j & 3u));
    let late = (vec2u(bytes.z, bytes.z >> 4u) & vec2u(15u)) | ((bytes.xy >> vec2u(2u)) & vec2u(48u));
    return unpack2x16float(block.x) * vec2f(select(late, bytes.xy & vec2u(63u), j < 4u));
}
