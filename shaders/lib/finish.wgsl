// What follows a matrix product: bias, residual and the write to y [T, params.width].
//
// The importer declares `bias: array<f32>` and `residual: array<f32>`; they are read only when
// the overrides say so, and may then be any buffer.

override HAS_BIAS: bool = false;
override HAS_RESIDUAL: bool = false;

fn finish(token: u32, row: u32, sum: f32) {
    let column = params.first_row + row;
    let at = token * params.width + column;
    var value = sum;
    if HAS_BIAS {
        value += bias[column];
    }
    if HAS_RESIDUAL {
        value += residual[at];
    }
    y[at] = value;
}
