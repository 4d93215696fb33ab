// TQ2_0: 256 weights in 8 groups of 32; scales: f16 d; quants: 64 bytes. weight = d * (q - 1)
//
// Each half block (4 groups) has 32 bytes: pair k of byte i is weight i of group k.

#import lib/scales
#import lib/unpack

fn decode32(group: u32) -> array<vec4f, 8> {
    let block = group / 8u;
    let j = group & 7u;
    let at = block * 4u + (j / 4u) * 2u;
    let d = scale_f16(block);
    let a = quants[at] >> vec4u(2u * (j & 3u));
    let b = quants[at + 1u] >> vec4u(2u * (j & 3u));
    return array<vec4f, 8>(
        d * (two4(a.x) - 1.0), d * (two4(a.y) - 1.0), d * (two4(a.z) - 1.0), d * (two4(a.w) - 1.0),
        d * (two4(b.x) - 1.0), d * (two4(b.y) - 1.0), d * (two4(b.z) - 1.0), d * (two4(b.w) - 1.0),
    );
}
