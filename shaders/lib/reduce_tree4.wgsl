// Sums and maxima of four values at once over a workgroup of WG lanes, in shared memory.
//
// As lib/reduce_tree; every lane gets the result.

struct Lane {
    @builtin(local_invocation_index) index: u32,
}

var<workgroup> partial: array<vec4f, WG>;

fn workgroup_sum4(value: vec4f, lane: Lane) -> vec4f {
    partial[lane.index] = value;
    workgroupBarrier();
    for (var step = WG / 2u; step > 0u; step /= 2u) {
        if lane.index < step {
            partial[lane.index] += partial[lane.index + step];
        }
        workgroupBarrier();
    }
    let result = partial[0];
    workgroupBarrier(); // so that the next call may overwrite
    return result;
}

fn workgroup_max4(value: vec4f, lane: Lane) -> vec4f {
    partial[lane.index] = value;
    workgroupBarrier();
    for (var step = WG / 2u; step > 0u; step /= 2u) {
        if lane.index < step {
            partial[lane.index] = max(partial[lane.index], partial[lane.index + step]);
        }
        workgroupBarrier();
    }
    let result = partial[0];
    workgroupBarrier();
    return result;
}
