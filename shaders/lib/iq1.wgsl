// Eight weights of IQ1_S and IQ1_M: a grid's point whose numbers stand for -1, 0, 1, all shifted by
// 1/8 or -1/8. Here they are multiplied by 8, to be whole: the scale has an eighth.

#import lib/grid_values
#import lib/unpack

// `minus` is 0 where 1/8 is added, else something else.
fn iq1_four(numbers: u32, minus: u32) -> vec4f {
    return bytes4(pairs4(numbers) * 8u) - select(7.0, 9.0, minus != 0u);
}
