// Sum and maximum over a workgroup of WG lanes, by subgroups; every lane gets the result.
//
// Call them in uniform control flow. The importer defines `const WG` and `alias Reduced` (f32 or
// vec4f), and takes a `Lane` in its main. Lanes of a subgroup are neighbours, as on every adapter
// tried; WGSL does not promise it.

struct Lane {
    @builtin(local_invocation_index) index: u32,
    @builtin(subgroup_invocation_id) within: u32,
    @builtin(subgroup_size) size: u32,
}

var<workgroup> partial: array<Reduced, WG>;

fn workgroup_sum(value: Reduced, lane: Lane) -> Reduced {
    let own = subgroupAdd(value);
    if lane.within == 0u {
        partial[lane.index / lane.size] = own;
    }
    workgroupBarrier();
    var result = Reduced();
    for (var i = 0u; i * lane.size < WG; i++) {
        result += partial[i];
    }
    workgroupBarrier(); // so that the next call may overwrite
    return result;
}

fn workgroup_max(value: Reduced, lane: Lane) -> Reduced {
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
