// y = x W^T (+ bias) (+ residual), for many tokens
//
// Shapes: lib/linear_many. One workgroup computes 64 rows x 32 tokens, in steps of 32 along the row: each
// lane decodes one row's 32 weights into shared memory and sums 8 x 4 outputs.
// Grid x: rows / 64, y: tokens / 32.
// Twin: tests/twins/linear.py

const TILE_ROWS = 64u;
const TILE_TOKENS = 32u;
const STRIDE = 9u; // vectors per tile row: 8, and one so that rows start in different banks
#import lib/linear_many

var<workgroup> w_tile: array<vec4f, 576>; // [TILE_ROWS, STRIDE]
var<workgroup> x_tile: array<vec4f, 288>; // [TILE_TOKENS, STRIDE]

// Fill both tiles with columns 32 j .. 32 j + 31.
fn stage(j: u32, row: u32, token: u32, count: u32, lane: u32) {
    var w = decode32(min(row + lane, params.rows - 1u) * params.groups + j);
    for (var i = 0u; i < 8u; i++) {
        w_tile[lane * STRIDE + i] = w[i];
    }
    for (var i = 0u; i < 4u; i++) {
        let at = lane + i * 64u;
        let column = j * 8u + (at & 7u);
        let t = token + at / 8u;
        let inside = t < count && column < params.dim4;
        let value = x[min(t, count - 1u) * params.dim4 + min(column, params.dim4 - 1u)];
        x_tile[(at / 8u) * STRIDE + (at & 7u)] = select(vec4f(0.0), value, inside);
    }
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = group.x * TILE_ROWS;
    let token = group.y * TILE_TOKENS;
    let count = step_count();
    if token >= count {
        return;
    }
    let lane_row = lane & 7u;
    let lane_token = lane / 8u;
    var sum = array<f32, 32>(); // [8 rows, 4 tokens]
    for (var j = 0u; j < params.groups; j++) {
        stage(j, row, token, count, lane);
        workgroupBarrier();
        for (var k = 0u; k < 8u; k++) {
            for (var r = 0u; r < 8u; r++) {
                let w = w_tile[(lane_row + r * 8u) * STRIDE + k];
                for (var t = 0u; t < 4u; t++) {
                    sum[r * 4u + t] += dot(w, x_tile[(lane_token + t * 8u) * STRIDE + k]);
                }
            }
        }
        workgroupBarrier();
    }
    for (var r = 0u; r < 8u; r++) {
        for (var t = 0u; t < 4u; t++) {
            let to_row = row + lane_row + r * 8u;
            let to_token = token + lane_token + t * 8u;
            if to_row < params.rows && to_token < count {
                finish(to_token, to_row, sum[r * 4u + t]);
            }
        }
    }
}
