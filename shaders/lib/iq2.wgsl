// Eight weights of IQ2_XXS, IQ2_XS and IQ2_S: a grid's point whose numbers stand for 8, 25, 43.

#import lib/grid_values
#import lib/unpack

fn iq2_values(numbers: u32) -> u32 {
    let v = pairs4(numbers);
    return 0x08080808u + v * 17u + ((v >> 1u) & 0x01010101u);
}

fn iq2_first(point: u32, signs: u32) -> vec4f {
    return signed_by4(iq2_values(point), signs);
}

fn iq2_last(point: u32, signs: u32) -> vec4f {
    return signed_by4(iq2_values(point >> 8u), signs >> 4u);
}
