// Sum and maximum over a workgroup of WG lanes, in shared memory; every lane gets the result.
//
// Call them in uniform control flow. The importer defines `const WG` (a power of two) and what is
// reduced, `alias Reduced` (f32 or vec4f), and takes a `Lane` in its main; lib/reduce_subgroup is
// the same for adapters with subgroups.

struct Lane {
    @builtin(local_invocation_index) index: u32,
}

var<workgroup> partial: array<Reduced, WG>;

fn workgroup_sum(value: Reduced, lane: Lane) -> Reduced {
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

fn workgroup_max(value: Reduced, lane: Lane) -> Reduced {
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
