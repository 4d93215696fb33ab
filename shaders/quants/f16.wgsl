// F16: one half float per weight; 32 weights are 4 words of 16 bytes.

fn halves(low: u32, high: u32) -> vec4f {
    return vec4f(unpack2x16float(low), unpack2x16float(high));
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
