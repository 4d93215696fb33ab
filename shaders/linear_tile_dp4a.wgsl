// y = x W^T (+ bias) (+ residual), for many tokens, over integers: x rounded to Q8_0's bytes
//
// Shapes: lib/linear_many; what is multiplied: lib/dp4a. One workgroup computes 64 rows x 32 tokens, in
// steps of 32 along the row: a lane brings a row's 32 weights into shared memory as they are, half of
// the lanes round a token's 32 values of x, and each lane sums 8 x 4 outputs. The tiles take 4.5 KiB.
// Grid x: rows / 64, y: tokens / 32.
// Twin: tests/twins/linear.py

const LANES = 64u;
const TILE_ROWS = 64u;
const TILE_TOKENS = 32u;
#import lib/dot32
#import lib/dp4a
#import lib/linear_many

var<workgroup> w_tile: array<vec4u, 128>; // [TILE_ROWS, 2]
var<workgroup> w_factors: array<vec4f, TILE_ROWS>;
var<workgroup> x_tile: array<Values, TILE_TOKENS>;

// Fill the tiles with columns 32 j .. 32 j + 31.
fn stage(j: u32, row: u32, token: u32, count: u32, lane: u32) {
    let group = min(row + lane, params.rows - 1u) * params.groups + j;
    let q = integers32(group);
    w_tile[lane * 2u] = q[0];
    w_tile[lane * 2u + 1u] = q[1];
    w_factors[lane] = factors32(group);
    if lane < TILE_TOKENS {
        let at = min(token + lane, count - 1u) * params.dim4 + j * 8u;
        x_tile[lane] = values32(x32(at, params.dim4 - j * 8u));
    }
}

@compute @workgroup_size(LANES)
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
    let lane_row = lane & 7u; // the rows of a lane lie 8 apart, its tokens too
    let lane_token = lane / 8u;
    var sum = array<vec4f, 8>(); // [8 rows, 4 tokens]
    for (var j = 0u; j < params.groups; j++) {
        stage(j, row, token, count, lane);
        workgroupBarrier();
        let x0 = x_tile[lane_token];
        let x1 = x_tile[lane_token + 8u];
        let x2 = x_tile[lane_token + 16u];
        let x3 = x_tile[lane_token + 24u];
        for (var r = 0u; r < 8u; r++) {
            let at = lane_row + r * 8u;
            let q = array<vec4u, 2>(w_tile[at * 2u], w_tile[at * 2u + 1u]);
            let f = w_factors[at];
            sum[r] += vec4f(
                block_dot(q, f, x0), block_dot(q, f, x1), block_dot(q, f, x2), block_dot(q, f, x3),
            );
        }
        workgroupBarrier();
    }
    for (var r = 0u; r < 8u; r++) {
        for (var t = 0u; t < 4u; t++) {
            let to_row = row + lane_row + r * 8u;
            let to_token = token + lane_token + t * 8u;
            if to_row < params.rows && to_token < count {
                finish(to_token, to_row, sum[r][t]);
            }
        }
    }
}
