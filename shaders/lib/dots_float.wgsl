// What linear_vec multiplies a row's weights with: 32 values of h as they are.

alias Values = array<vec4f, 8>;

fn values32(h: array<vec4f, 8>) -> Values {
    return h;
}

fn row_dot(row: u32, group: u32, h: Values) -> f32 {
    return dot32(row32(row, group), h);
}
