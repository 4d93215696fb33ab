// Q1_0: 128 weights in 4 groups of 32; scales: f16 d; quants: 16 bytes. weight = d * (2 q - 1)
//
// Bit i is weight i.

#import lib/scales
#import lib/unpack

fn one(bits: u32) -> vec4f {
    return bytes4(spread4(bits, 1u)) - 1.0;
}

fn decode32(group: u32) -> array<vec4f, 8> {
    let d = scale_f16(group / 4u);
    let q = quants[group / 4u][group & 3u];
    return array<vec4f, 8>(
        d * one(q), d * one(q >> 4u), d * one(q >> 8u), d * one(q >> 12u),
        d * one(q >> 16u), d * one(q >> 20u), d * one(q >> 24u), d * one(q >> 28u),
    );
}
