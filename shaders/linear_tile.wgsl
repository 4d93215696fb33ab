// y = x W^T (+ bias) (+ residual), for many tokens
//
// Shapes: lib/linear_many. One workgroup computes 64 rows x TILE_TOKENS tokens, in steps of 32 along the
// row: 64 lanes decode a row's 32 weights each into shared memory, all load x, and each sums 8 x 4
// outputs. With 64 tokens the tiles take 16 KiB, all that WebGPU promises.
// Grid x: rows / 64, y: tokens / TILE_TOKENS.
// Twin: tests/twins/linear.py

const TILE_ROWS = 64u;
override TILE_TOKENS: u32 = 32u;
override LANES: u32 = 64u; // 2 * TILE_TOKENS
#import lib/dot32
#import lib/linear_many

var<workgroup> w_tile: array<vec4f, 512>; // [TILE_ROWS, 8], see `cell`
var<workgroup> x_tile: array<vec4f, TILE_TOKENS * 8u>;

// Where a tile keeps vector k of a row: rotated, so that rows start in different banks.
fn cell(row: u32, k: u32) -> u32 {
    return row * 8u + ((k + row) & 7u);
}

// Fill both tiles with columns 32 j .. 32 j + 31.
fn stage(j: u32, row: u32, token: u32, count: u32, lane: u32) {
    if lane < TILE_ROWS {
        let w = decode32(min(row + lane, params.rows - 1u) * params.groups + j);
        w_tile[cell(lane, 0u)] = w[0];
        w_tile[cell(lane, 1u)] = w[1];
        w_tile[cell(lane, 2u)] = w[2];
        w_tile[cell(lane, 3u)] = w[3];
        w_tile[cell(lane, 4u)] = w[4];
        w_tile[cell(lane, 5u)] = w[5];
        w_tile[cell(lane, 6u)] = w[6];
        w_tile[cell(lane, 7u)] = w[7];
    }
    for (var i = 0u; i < 4u; i++) {
        let at = lane + i * LANES;
        let t = token + at / 8u;
        let k = at & 7u;
        let left = select(0u, params.dim4 - j * 8u, t < count);
        x_tile[cell(at / 8u, k)] = x4(min(t, count - 1u) * params.dim4 + j * 8u, k, left);
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
    let lane_row = lane & 7u;
    let lane_token = lane / 8u; // the tokens of a lane lie a quarter of the tile apart
    var sum = array<vec4f, 8>(); // [8 rows, 4 tokens]
    for (var j = 0u; j < params.groups; j++) {
        stage(j, row, token, count, lane);
        workgroupBarrier();
        for (var k = 0u; k < 8u; k++) {
            let x0 = x_tile[cell(lane_token, k)];
            let x1 = x_tile[cell(lane_token + TILE_TOKENS / 4u, k)];
            let x2 = x_tile[cell(lane_token + TILE_TOKENS / 2u, k)];
            let x3 = x_tile[cell(lane_token + 3u * TILE_TOKENS / 4u, k)];
            for (var r = 0u; r < 8u; r++) {
                let w = w_tile[cell(lane_row + r * 8u, k)];
                sum[r] += vec4f(dot(w, x0), dot(w, x1), dot(w, x2), dot(w, x3));
            }
        }
        workgroupBarrier();
    }
    for (var r = 0u; r < 8u; r++) {
        for (var t = 0u; t < 4u; t++) {
            let to_row = row + lane_row + r * 8u;
            let to_token = token + lane_token + t * TILE_TOKENS / 4u;
            if to_row < params.rows && to_token < count {
                finish(to_token, to_row, sum[r][t]);
            }
        }
    }
}
