// y = W h (+ bias) (+ residual), or act(gate) * up, for one token: the schedule of software adapters
//
// Shapes, norm and formats: lib/linear_one. One lane computes 8 rows without a reduction: on a CPU,
// lanes are SIMD lanes, a workgroup is a task, and barriers cost more than the arithmetic. The rows
// are written out because lavapipe keeps what a loop indexes in memory (a fifth slower).
// Grid x, folded: 8 lanes a workgroup.
// Twin: tests/twins/linear.py

const LANES = 8u;
const ROWS = 8u; // of a lane; with GATED half of them are gates
const TILE_ROWS = 64u; // LANES * ROWS
#import lib/linear_one
#import input

// The row that a lane computes as its `r`th.
fn row_of(first: u32, r: u32) -> u32 {
    if GATED && r >= ROWS / 2u {
        return params.outputs + min(first + r - ROWS / 2u, params.outputs - 1u);
    }
    return min(first + r, params.outputs - 1u);
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    if is_over() {
        return;
    }
    let count = select(ROWS, ROWS / 2u, GATED);
    let first = ((group.y * 32768u + group.x) * LANES + lane) * count;
    let row0 = row_of(first, 0u);
    let row1 = row_of(first, 1u);
    let row2 = row_of(first, 2u);
    let row3 = row_of(first, 3u);
    let row4 = row_of(first, 4u);
    let row5 = row_of(first, 5u);
    let row6 = row_of(first, 6u);
    let row7 = row_of(first, 7u);
    var a = vec4f(0.0); // rows 0 to 3
    var b = vec4f(0.0); // rows 4 to 7
    var squares = 0.0;
    for (var j = 0u; j < params.groups; j++) {
        let v = input(j, lane);
        squares += v.squares;
        a += vec4f(
            dot32(row32(row0, j), v.h), dot32(row32(row1, j), v.h),
            dot32(row32(row2, j), v.h), dot32(row32(row3, j), v.h),
        );
        b += vec4f(
            dot32(row32(row4, j), v.h), dot32(row32(row5, j), v.h),
            dot32(row32(row6, j), v.h), dot32(row32(row7, j), v.h),
        );
    }
    let scale = norm_scale(sum_squares(squares));
    a *= scale;
    b *= scale;
    for (var r = 0u; r < 4u && first + r < params.outputs; r++) {
        if GATED {
            finish_gated(first + r, a[r], b[r]);
            continue;
        }
        finish(first + r, a[r]);
        if first + r + 4u < params.outputs {
            finish(first + r + 4u, b[r]);
        }
    }
}
