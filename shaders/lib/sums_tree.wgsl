// Sums over the LANES lanes of linear_vec's rows, in workgroup memory; the first lane gets them.
//
// Call it in uniform control flow. The importer defines LANES.

struct Lane {
    @builtin(local_invocation_index) index: u32,
}

struct Sums {
    rows: vec4f,
    squares: f32,
}

var<workgroup> partial: array<vec4f, 64>;
var<workgroup> partial_squares: array<f32, 64>;

fn lane_sums(rows: vec4f, squares: f32, lane: Lane) -> Sums {
    partial[lane.index] = rows;
    partial_squares[lane.index] = squares;
    workgroupBarrier();
    for (var step = LANES / 2u; step > 0u; step /= 2u) {
        if lane.index % LANES < step {
            partial[lane.index] += partial[lane.index + step];
            partial_squares[lane.index] += partial_squares[lane.index + step];
        }
        workgroupBarrier();
    }
    return Sums(partial[lane.index], partial_squares[lane.index]);
}
