// What linear_vec multiplies a row's weights with: 32 values of h, rounded to Q8_0's signed bytes.

#import lib/dp4a

fn row_dot(row: u32, group: u32, h: Values) -> f32 {
    if HAS_SECOND && row >= params.rows {
        let at = (row - params.rows) * params.groups + group;
        return block_dot(integers32_second(at), factors32_second(at), h);
    }
    let at = row * params.groups + group;
    return block_dot(integers32(at), factors32(at), h);
}
