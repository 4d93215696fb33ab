// y = x W^T (+ bias) (+ residual), for many tokens: the schedule of software adapters whose subgroups
// have 8 or more lanes
//
// Shapes: lib/linear_many. One lane computes 8 rows, 8 apart, for 16 tokens without a reduction; all
// lanes of a workgroup need the same x. Grid x: rows, y: tokens.
// Twin: tests/twins/linear.py
//
// Everything is written out, and only main returns early: lavapipe keeps what a loop indexes in
// memory, and turns a function's early return into masks; each costs up to half the speed.

const LANES = 8u;
const TILE_ROWS = 64u; // LANES * rows of a lane
const TILE_TOKENS = 16u;
#import lib/dot32
#import lib/spread
#import lib/linear_many

// Where four rows' weights begin.
fn rows_at(row: u32) -> vec4u {
    let rows = vec4u(row) + LANES * vec4u(0u, 1u, 2u, 3u);
    return min(rows, vec4u(params.rows - 1u)) * params.groups;
}

// Where four tokens' x begin.
fn tokens_at(token: u32, count: u32) -> vec4u {
    return min(vec4u(token) + vec4u(0u, 1u, 2u, 3u), vec4u(count - 1u)) * params.dim4;
}

fn store(token: u32, row: u32, sum: vec4f) {
    let here = vec4u(row) + LANES * vec4u(0u, 1u, 2u, 3u);
    let inside = (here < vec4u(params.rows)) & vec4<bool>(token < step_count());
    if inside.x { finish(token, here.x, sum.x); }
    if inside.y { finish(token, here.y, sum.y); }
    if inside.z { finish(token, here.z, sum.z); }
    if inside.w { finish(token, here.w, sum.w); }
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = group.x * TILE_ROWS + lane;
    let token = group.y * TILE_TOKENS;
    let count = step_count();
    if token >= count {
        return;
    }
    let low = rows_at(row);
    let high = rows_at(row + 4u * LANES);
    let at0 = tokens_at(token + 0u, count);
    let at1 = tokens_at(token + 4u, count);
    let at2 = tokens_at(token + 8u, count);
    let at3 = tokens_at(token + 12u, count);
    // for each token: the sums of the first four rows, and of the others
    var a0 = vec4f(0.0); var b0 = vec4f(0.0);
    var a1 = vec4f(0.0); var b1 = vec4f(0.0);
    var a2 = vec4f(0.0); var b2 = vec4f(0.0);
    var a3 = vec4f(0.0); var b3 = vec4f(0.0);
    var a4 = vec4f(0.0); var b4 = vec4f(0.0);
    var a5 = vec4f(0.0); var b5 = vec4f(0.0);
    var a6 = vec4f(0.0); var b6 = vec4f(0.0);
    var a7 = vec4f(0.0); var b7 = vec4f(0.0);
    var a8 = vec4f(0.0); var b8 = vec4f(0.0);
    var a9 = vec4f(0.0); var b9 = vec4f(0.0);
    var a10 = vec4f(0.0); var b10 = vec4f(0.0);
    var a11 = vec4f(0.0); var b11 = vec4f(0.0);
    var a12 = vec4f(0.0); var b12 = vec4f(0.0);
    var a13 = vec4f(0.0); var b13 = vec4f(0.0);
    var a14 = vec4f(0.0); var b14 = vec4f(0.0);
    var a15 = vec4f(0.0); var b15 = vec4f(0.0);
    for (var j = 0u; j < params.groups; j++) {
        let k = j * 8u;
        let left = params.dim4 - k;
        let w0 = decode32(low.x + j);
        let w1 = decode32(low.y + j);
        let w2 = decode32(low.z + j);
        let w3 = decode32(low.w + j);
        let w4 = decode32(high.x + j);
        let w5 = decode32(high.y + j);
        let w6 = decode32(high.z + j);
        let w7 = decode32(high.w + j);
        let v0 = spread(x4(at0.x + k, lane, left));
        a0 += vec4f(dot32(w0, v0), dot32(w1, v0), dot32(w2, v0), dot32(w3, v0));
        b0 += vec4f(dot32(w4, v0), dot32(w5, v0), dot32(w6, v0), dot32(w7, v0));
        let v1 = spread(x4(at0.y + k, lane, left));
        a1 += vec4f(dot32(w0, v1), dot32(w1, v1), dot32(w2, v1), dot32(w3, v1));
        b1 += vec4f(dot32(w4, v1), dot32(w5, v1), dot32(w6, v1), dot32(w7, v1));
        let v2 = spread(x4(at0.z + k, lane, left));
        a2 += vec4f(dot32(w0, v2), dot32(w1, v2), dot32(w2, v2), dot32(w3, v2));
        b2 += vec4f(dot32(w4, v2), dot32(w5, v2), dot32(w6, v2), dot32(w7, v2));
        let v3 = spread(x4(at0.w + k, lane, left));
        a3 += vec4f(dot32(w0, v3), dot32(w1, v3), dot32(w2, v3), dot32(w3, v3));
        b3 += vec4f(dot32(w4, v3), dot32(w5, v3), dot32(w6, v3), dot32(w7, v3));
        let v4 = spread(x4(at1.x + k, lane, left));
        a4 += vec4f(dot32(w0, v4), dot32(w1, v4), dot32(w2, v4), dot32(w3, v4));
        b4 += vec4f(dot32(w4, v4), dot32(w5, v4), dot32(w6, v4), dot32(w7, v4));
        let v5 = spread(x4(at1.y + k, lane, left));
        a5 += vec4f(dot32(w0, v5), dot32(w1, v5), dot32(w2, v5), dot32(w3, v5));
        b5 += vec4f(dot32(w4, v5), dot32(w5, v5), dot32(w6, v5), dot32(w7, v5));
        let v6 = spread(x4(at1.z + k, lane, left));
        a6 += vec4f(dot32(w0, v6), dot32(w1, v6), dot32(w2, v6), dot32(w3, v6));
        b6 += vec4f(dot32(w4, v6), dot32(w5, v6), dot32(w6, v6), dot32(w7, v6));
        let v7 = spread(x4(at1.w + k, lane, left));
        a7 += vec4f(dot32(w0, v7), dot32(w1, v7), dot32(w2, v7), dot32(w3, v7));
        b7 += vec4f(dot32(w4, v7), dot32(w5, v7), dot32(w6, v7), dot32(w7, v7));
        let v8 = spread(x4(at2.x + k, lane, left));
        a8 += vec4f(dot32(w0, v8), dot32(w1, v8), dot32(w2, v8), dot32(w3, v8));
        b8 += vec4f(dot32(w4, v8), dot32(w5, v8), dot32(w6, v8), dot32(w7, v8));
        let v9 = spread(x4(at2.y + k, lane, left));
        a9 += vec4f(dot32(w0, v9), dot32(w1, v9), dot32(w2, v9), dot32(w3, v9));
        b9 += vec4f(dot32(w4, v9), dot32(w5, v9), dot32(w6, v9), dot32(w7, v9));
        let v10 = spread(x4(at2.z + k, lane, left));
        a10 += vec4f(dot32(w0, v10), dot32(w1, v10), dot32(w2, v10), dot32(w3, v10));
        b10 += vec4f(dot32(w4, v10), dot32(w5, v10), dot32(w6, v10), dot32(w7, v10));
        let v11 = spread(x4(at2.w + k, lane, left));
        a11 += vec4f(dot32(w0, v11), dot32(w1, v11), dot32(w2, v11), dot32(w3, v11));
        b11 += vec4f(dot32(w4, v11), dot32(w5, v11), dot32(w6, v11), dot32(w7, v11));
        let v12 = spread(x4(at3.x + k, lane, left));
        a12 += vec4f(dot32(w0, v12), dot32(w1, v12), dot32(w2, v12), dot32(w3, v12));
        b12 += vec4f(dot32(w4, v12), dot32(w5, v12), dot32(w6, v12), dot32(w7, v12));
        let v13 = spread(x4(at3.y + k, lane, left));
        a13 += vec4f(dot32(w0, v13), dot32(w1, v13), dot32(w2, v13), dot32(w3, v13));
        b13 += vec4f(dot32(w4, v13), dot32(w5, v13), dot32(w6, v13), dot32(w7, v13));
        let v14 = spread(x4(at3.z + k, lane, left));
        a14 += vec4f(dot32(w0, v14), dot32(w1, v14), dot32(w2, v14), dot32(w3, v14));
        b14 += vec4f(dot32(w4, v14), dot32(w5, v14), dot32(w6, v14), dot32(w7, v14));
        let v15 = spread(x4(at3.w + k, lane, left));
        a15 += vec4f(dot32(w0, v15), dot32(w1, v15), dot32(w2, v15), dot32(w3, v15));
        b15 += vec4f(dot32(w4, v15), dot32(w5, v15), dot32(w6, v15), dot32(w7, v15));
    }
    store(token + 0u, row, a0); store(token + 0u, row + 4u * LANES, b0);
    store(token + 1u, row, a1); store(token + 1u, row + 4u * LANES, b1);
    store(token + 2u, row, a2); store(token + 2u, row + 4u * LANES, b2);
    store(token + 3u, row, a3); store(token + 3u, row + 4u * LANES, b3);
    store(token + 4u, row, a4); store(token + 4u, row + 4u * LANES, b4);
    store(token + 5u, row, a5); store(token + 5u, row + 4u * LANES, b5);
    store(token + 6u, row, a6); store(token + 6u, row + 4u * LANES, b6);
    store(token + 7u, row, a7); store(token + 7u, row + 4u * LANES, b7);
    store(token + 8u, row, a8); store(token + 8u, row + 4u * LANES, b8);
    store(token + 9u, row, a9); store(token + 9u, row + 4u * LANES, b9);
    store(token + 10u, row, a10); store(token + 10u, row + 4u * LANES, b10);
    store(token + 11u, row, a11); store(token + 11u, row + 4u * LANES, b11);
    store(token + 12u, row, a12); store(token + 12u, row + 4u * LANES, b12);
    store(token + 13u, row, a13); store(token + 13u, row + 4u * LANES, b13);
    store(token + 14u, row, a14); store(token + 14u, row + 4u * LANES, b14);
    store(token + 15u, row, a15); store(token + 15u, row + 4u * LANES, b15);
}
