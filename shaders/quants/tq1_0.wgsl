// TQ1_0: 256 weights in 8 groups of 32; scales: 4 bytes of digits, f16 d; quants: 48 bytes of
// digits. weight = d * (digit - 1)
//
// A byte b is a fraction b / 256 whose first five digits to base 3 are weights; the scales' bytes
// have four. Digit i of the first 32 bytes is group i; then come the digits of the next 16 bytes,
// 16 of each place, and at the end those of the last 4 bytes.

#import lib/scales
#import lib/unpack

// The digits of four bytes after as many places as `power` has factors 3.
fn digits4(v: u32, power: u32) -> vec4f {
    let even = ((((v & 0x00ff00ffu) * power) & 0x00ff00ffu) * 3u) >> 8u;
    let odd = (((((v >> 8u) & 0x00ff00ffu) * power) & 0x00ff00ffu) * 3u) & 0x03000300u;
    return bytes4((even & 0x00030003u) | odd) - 1.0;
}

// 3 to the power of i, up to 4.
fn power3(i: u32) -> u32 {
    return select(select(1u, 3u, i == 1u), select(9u, 27u, i == 3u), i >= 2u)
        * select(1u, 9u, i == 4u);
}

fn decode32(group: u32) -> array<vec4f, 8> {
    let block = group / 8u;
    let j = group & 7u;
    let d = scale_f16(block * 3u + 2u);
    let last = scale_u16(block * 3u) | (scale_u16(block * 3u + 1u) << 16u);
    let at = block * 3u;
    let i = select(j * 2u - 10u, j, j < 5u);
    let a = quants[select(at + 2u, at, j < 5u)];
    let b = select(quants[select(at + 2u, at + 1u, j < 5u)], vec4u(last), j == 7u);
    let p = power3(i);
    let q = select(select(vec4u(p * 3u), vec4u(p), j < 5u), vec4u(1u, 3u, 9u, 27u), j == 7u);
    return array<vec4f, 8>(
        d * digits4(a.x, p), d * digits4(a.y, p), d * digits4(a.z, p), d * digits4(a.w, p),
        d * digits4(b.x, q.x), d * digits4(b.y, q.y), d * digits4(b.z, q.z), d * digits4(b.w, q.w),
    );
}
