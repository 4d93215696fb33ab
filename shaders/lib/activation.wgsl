// silu, or with GELU gelu's tanh form: x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))), as in
// the GPT-2 code.

override GELU: bool = false;

fn activated(x: f32) -> f32 {
    if GELU {
        // tanh overflows to NaN on some drivers for large arguments; at 15 it is 1 in f32
        let inner = clamp(0.7978845608 * (x + 0.044715 * x * x * x), -15.0, 15.0);
        return 0.5 * x * (1.0 + tanh(inner));
    }
    return x / (1.0 + exp(-x));
}
