// The signature of y = W h (+ bias) (+ residual) for one token; h is x, or with NORM its RMS norm
//
// W: `rows` rows of one stack, then those of another in its own format; rows are [groups * 32];
// x: [dim]. Row r gives y[column + r], `outputs` in all. With GATED the first `outputs` rows are the
// gates of the next: y[column + i] = act(W[i] h) * (W[outputs + i] h).
// (`outputs` is no sum of two params: lavapipe compiles a shader anew for each dispatch when a branch
// compares a sum of uniforms, 0.6 ms.)
// `other` is the norm's gain with NORM, else the residual where there is one; see lib/linear_many for
// why it and the bias are params.
// h = x * gain / sqrt(mean(x^2) + eps): the factor is the same for all rows, so it is applied to
// the sums, and the norm costs no pass of its own.

#import lib/activation
#import lib/dot32
#import quant
#import second

override NORM: bool = false;
override GATED: bool = false;
override HAS_SECOND: bool = false;

struct Params {
    outputs: u32,
    rows: u32,
    groups: u32,
    dim4: u32,
    column: u32,
    bias_at: u32,
    eps: f32,
    has_bias: u32,
    has_residual: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> quants: array<vec4u>;
@group(0) @binding(2) var<storage, read> scales: array<u32>;
@group(0) @binding(3) var<storage, read> quants_second: array<vec4u>;
@group(0) @binding(4) var<storage, read> scales_second: array<u32>;
@group(0) @binding(5) var<storage, read> x: array<vec4f>;
@group(0) @binding(6) var<storage, read> other: array<vec4f>;
@group(0) @binding(7) var<storage, read> bias: array<f32>;
@group(0) @binding(8) var<storage, read_write> y: array<f32>;

// Whether the answer has ended and nothing is wanted. Without a second stack its binding holds the
// step buffer, for which eight bindings leave no place; with one the product is computed in vain.
fn is_over() -> bool {
    return !HAS_SECOND && quants_second[0].x == 0u;
}

// 32 weights of a row of either stack.
fn row32(row: u32, group: u32) -> array<vec4f, 8> {
    if HAS_SECOND && row >= params.rows {
        return decode32_second((row - params.rows) * params.groups + group);
    }
    return decode32(row * params.groups + group);
}

// x[32 group ..], as it is and times the gain.
fn input32(group: u32) -> array<vec4f, 8> {
    return x32(group * 8u, params.dim4 - group * 8u);
}

fn gained32(v: array<vec4f, 8>, group: u32) -> array<vec4f, 8> {
    if !NORM {
        return v;
    }
    let at = group * 8u;
    return array<vec4f, 8>(
        v[0] * other[at], v[1] * other[at + 1u], v[2] * other[at + 2u], v[3] * other[at + 3u],
        v[4] * other[at + 4u], v[5] * other[at + 5u], v[6] * other[at + 6u], v[7] * other[at + 7u],
    );
}

// What the sums are multiplied with, given the sum of x's squares.
fn norm_scale(squares: f32) -> f32 {
    return select(1.0, inverseSqrt(squares / f32(params.dim4 * 4u) + params.eps), NORM);
}

fn biased(row: u32, sum: f32) -> f32 {
    return sum + select(0.0, bias[params.bias_at + row], params.has_bias != 0u);
}

fn finish(row: u32, sum: f32) {
    let at = params.column + row;
    let value = biased(row, sum) + select(0.0, other[at / 4u][at & 3u], params.has_residual != 0u);
    y[at] = value;
}

fn finish_gated(i: u32, gate: f32, up: f32) {
    y[params.column + i] = activated(biased(i, gate)) * biased(params.outputs + i, up);
}
