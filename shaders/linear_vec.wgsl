// y = W h (+ bias) (+ residual), or act(gate) * up, for one token
//
// Shapes, norm and formats: lib/linear_one. One workgroup computes TILE_ROWS values, LANES lanes
// each; neighbouring lanes read neighbouring weights. Grid x, folded.
// Twin: tests/twins/linear.py

const TILE_ROWS = 4u;
const LANES = 16u; // of a row
#import lib/linear_one

var<workgroup> partial: array<vec4f, 64>; // [TILE_ROWS, LANES]: row, second row if gated, squares

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = (group.y * 32768u + group.x) * TILE_ROWS + lane / LANES;
    let column = lane % LANES;
    var sum = vec4f(0.0);
    if row < params.outputs {
        for (var j = column; j < params.groups; j += LANES) {
            let v = input32(j);
            if NORM {
                sum.z += dot32(v, v);
            }
            let h = gained32(v, j);
            sum.x += dot32(row32(row, j), h);
            if GATED {
                sum.y += dot32(row32(params.outputs + row, j), h);
            }
        }
    }
    partial[lane] = sum;
    workgroupBarrier();
    for (var step = LANES / 2u; step > 0u; step /= 2u) {
        if column < step {
            partial[lane] += partial[lane + step];
        }
        workgroupBarrier();
    }
    if column == 0u && row < params.outputs {
        let total = partial[lane];
        let scale = norm_scale(total.z);
        if GATED {
            finish_gated(row, scale * total.x, scale * total.y);
        } else {
            finish(row, scale * total.x);
        }
    }
}
