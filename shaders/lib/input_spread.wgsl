// 32 values of the input of linear_rows: each of 8 lanes loads four and tells the others.

#import lib/spread

struct Input {
    h: array<vec4f, 8>,
    squares: f32, // this lane's part of the sum of x's squares
}

fn input(group: u32, lane: u32) -> Input {
    let at = group * 8u;
    let v = x4(at, lane, params.dim4 - at);
    if NORM {
        return Input(spread(v * other[at + lane]), dot(v, v));
    }
    return Input(spread(v), 0.0);
}

fn sum_squares(part: f32) -> f32 {
    return subgroupAdd(part);
}
