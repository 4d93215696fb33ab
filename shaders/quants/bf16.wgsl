// BF16: the upper half of a float per weight; 32 weights are 4 words of 16 bytes.

fn halves(low: u32, high: u32) -> vec4f {
    let bits = vec4u(low << 16u, low & 0xffff0000u, high << 16u, high & 0xffff0000u);
    return bitcast<vec4f>(bits);
}

fn decode32(group: u32) -> array<vec4f, 8> {
    let at = group * 4u;
    let a = quants[at];
    let b = quants[at + 1u];
    let c = quants[at + 2u];
    let d = quants[at + 3u];
    return array<vec4f, 8>(
        halves(a.x, a.y), halves(a.z, a.w), halves(b.x, b.y), halves(b.z, b.w),
        halves(c.x, c.y), halves(c.z, c.w), halves(d.x, d.y), halves(d.z, d.w),
    );
}
