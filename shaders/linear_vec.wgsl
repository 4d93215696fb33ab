// y = W h (+ bias) (+ residual), or act(gate) * up, for one token
//
// Shapes, norm and formats: lib/linear_one. LANES lanes compute four rows, so that each loads its part
// of x once for all of them; with GATED these are two gates and their ups. Neighbouring lanes read
// neighbouring weights. A workgroup of 64 lanes computes TILE_ROWS rows: 4 * 64 / LANES. Grid x,
// folded.
// Twin: tests/twins/linear.py

override LANES: u32 = 16u; // of a row: a power of two, at most 64; lib/sums_subgroup wants 64
override TILE_ROWS: u32 = 16u;
#import lib/linear_one
#import dots
#import sums

// The row that a lane computes as its `r`th.
fn row_of(first: u32, r: u32) -> u32 {
    if GATED && r >= 2u {
        return params.outputs + min(first + r - 2u, params.outputs - 1u);
    }
    return min(first + r, params.outputs - 1u);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, lane: Lane) {
    if is_over() {
        return;
    }
    let count = select(4u, 2u, GATED);
    let rows = TILE_ROWS / 4u * count;
    let first = (group.y * 32768u + group.x) * rows + lane.index / LANES * count;
    let column = lane.index % LANES;
    let row0 = row_of(first, 0u);
    let row1 = row_of(first, 1u);
    let row2 = row_of(first, 2u);
    let row3 = row_of(first, 3u);
    var sum = vec4f(0.0);
    var squares = 0.0;
    for (var j = column; j < params.groups; j += LANES) {
        let v = input32(j);
        if NORM {
            squares += dot32(v, v);
        }
        let h = values32(gained32(v, j));
        sum += vec4f(row_dot(row0, j, h), row_dot(row1, j, h), row_dot(row2, j, h), row_dot(row3, j, h));
    }
    let total = lane_sums(sum, squares, lane);
    if column != 0u {
        return;
    }
    let value = norm_scale(total.squares) * total.rows;
    for (var r = 0u; r < count && first + r < params.outputs; r++) {
        if GATED {
            finish_gated(first + r, value[r], value[r + 2u]);
        } else {
            finish(first + r, value[r]);
        }
    }
}
