// Sums over all 64 lanes of linear_vec, by subgroups; the first lane gets them.
//
// Call it in uniform control flow, with LANES = 64. Lanes of a subgroup are neighbours, as on every
// adapter tried; WGSL does not promise it.

struct Lane {
    @builtin(local_invocation_index) index: u32,
    @builtin(subgroup_invocation_id) within: u32,
    @builtin(subgroup_size) size: u32,
}

struct Sums {
    rows: vec4f,
    squares: f32,
}

var<workgroup> partial: array<vec4f, 64>;
var<workgroup> partial_squares: array<f32, 64>;

fn lane_sums(rows: vec4f, squares: f32, lane: Lane) -> Sums {
    let own = subgroupAdd(rows);
    let own_squares = subgroupAdd(squares);
    if lane.within == 0u {
        partial[lane.index / lane.size] = own;
        partial_squares[lane.index / lane.size] = own_squares;
    }
    workgroupBarrier();
    var total = Sums(vec4f(0.0), 0.0);
    for (var i = 0u; i * lane.size < 64u; i++) {
        total.rows += partial[i];
        total.squares += partial_squares[i];
    }
    return total;
}
