// The 16 values of IQ4_NL and IQ4_XS: -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53,
// 69, 89, 113.

#import lib/unpack

// The values of four nibbles: a polynomial that is at most 0.45 away from them, rounded.
fn iq4(nibbles: vec4f) -> vec4f {
    let n = nibbles - 7.5;
    return round((((0.001586 * n + 0.07867) * n - 0.1372) * n + 11.52) * n - 4.301);
}
