// y = x W^T (+ bias) (+ residual), for many tokens: the schedule of software adapters
//
// Shapes: lib/linear_many. One lane computes ROWS rows for four tokens without a reduction; lanes of a
// workgroup take consecutive rows, so that x is the same for all. Grid x: rows, y: tokens.
// Twin: tests/twins/linear.py

const LANES = 8u;
const ROWS = 8u; // of a lane
const TILE_ROWS = 64u; // LANES * ROWS
const TILE_TOKENS = 4u;
#import lib/dot32
#import lib/linear_many

// One row's sums for four tokens.
fn dots(
    group: u32, a: array<vec4f, 8>, b: array<vec4f, 8>, c: array<vec4f, 8>, d: array<vec4f, 8>,
) -> vec4f {
    let w = decode32(group);
    return vec4f(dot32(w, a), dot32(w, b), dot32(w, c), dot32(w, d));
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = (group.x * LANES + lane) * ROWS;
    let token = group.y * TILE_TOKENS;
    let count = step_count();
    if row >= params.rows || token >= count {
        return;
    }
    let last = params.rows - 1u;
    let at = min(vec4u(token) + vec4u(0u, 1u, 2u, 3u), vec4u(count - 1u)) * params.dim4;
    var sum = array<vec4f, ROWS>();
    for (var j = 0u; j < params.groups; j++) {
        let left = params.dim4 - j * 8u;
        let a = x32(at.x + j * 8u, left);
        let b = x32(at.y + j * 8u, left);
        let c = x32(at.z + j * 8u, left);
        let d = x32(at.w + j * 8u, left);
        for (var r = 0u; r < ROWS; r++) {
            sum[r] += dots(min(row + r, last) * params.groups + j, a, b, c, d);
        }
    }
    for (var r = 0u; r < ROWS; r++) {
        for (var t = 0u; t < TILE_TOKENS; t++) {
            if row + r <= last && token + t < count {
                finish(token + t, row + r, sum[r][t]);
            }
        }
    }
}
