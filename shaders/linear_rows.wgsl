// y = W h (+ bias) (+ residual), or act(gate) * up, for one token: the schedule of software adapters
//
// Shapes, norm and formats: lib/linear_one. One lane computes ROWS rows without a reduction: on a
// CPU, lanes are SIMD lanes, a workgroup is a task, and barriers cost more than the arithmetic; so
// every lane sums x's squares again. Grid x, folded: 8 lanes a workgroup.
// Twin: tests/twins/linear.py

const LANES = 8u;
const ROWS = 8u; // of a lane; with GATED half of them are gates
const TILE_ROWS = 64u; // LANES * ROWS
#import lib/linear_one

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
    let count = select(ROWS, ROWS / 2u, GATED);
    let first = ((group.y * 32768u + group.x) * LANES + lane) * count;
    if first >= params.outputs {
        return;
    }
    var sum = array<f32, ROWS>();
    var squares = 0.0;
    for (var j = 0u; j < params.groups; j++) {
        let v = input32(j);
        if NORM {
            squares += dot32(v, v);
        }
        let h = gained32(v, j);
        for (var r = 0u; r < ROWS; r++) {
            sum[r] += dot32(row32(row_of(first, r), j), h);
        }
    }
    let scale = norm_scale(squares);
    for (var r = 0u; r < count && first + r < params.outputs; r++) {
        if GATED {
            finish_gated(first + r, scale * sum[r], scale * sum[r + ROWS / 2u]);
        } else {
            finish(first + r, scale * sum[r]);
        }
    }
}
