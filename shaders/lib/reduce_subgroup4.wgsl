// Sums and maxima of four values at once over a workgroup of WG lanes, by subgroups.
//
// As lib/reduce_subgroup; every lane gets the result.

struct Lane {
    @builtin(local_invocation_index) index: u32,
    @builtin(subgroup_invocation_id) within: u32,
    @builtin(subgroup_size) size: u32,
}

var<workgroup> partial: array<vec4f, WG>;

fn workgroup_sum4(value: vec4f, lane: Lane) -> vec4f {
    let own = subgroupAdd(value);
    if lane.within == 0u {
        partial[lane.index / lane.size] = own;
    }
    workgroupBarrier();
    var result = vec4f(0.0);
    for (var i = 0u; i * lane.size < WG; i++) {
        result += partial[i];
    }
    workgroupBarrier(); // so that the next call may overwrite
    return result;
}

fn workgroup_max4(value: vec4f, lane: Lane) -> vec4f {
    let own = subgroupMax(value);
    if lane.within == 0u {
        partial[lane.index / lane.size] = own;
    }
    workgroupBarrier();
    var result = partial[0];
    for (var i = 1u; i * lane.size < WG; i++) {
        result = max(result, partial[i]);
    }
    workgroupBarrier();
    return result;
}
