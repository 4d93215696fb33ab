// 32 values of the input of linear_rows: each lane loads them all.

struct Input {
    h: array<vec4f, 8>,
    squares: f32, // this lane's part of the sum of x's squares
}

fn input(group: u32, lane: u32) -> Input {
    let v = input32(group);
    if NORM {
        return Input(gained32(v, group), dot32(v, v));
    }
    return Input(v, 0.0);
}

fn sum_squares(part: f32) -> f32 {
    return part;
}
