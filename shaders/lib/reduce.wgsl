// Sum over a workgroup of WG lanes; every lane gets the total. Call it in uniform control flow.
//
// The importer defines `const WG` (a power of two).

var<workgroup> partial: array<f32, WG>;

fn workgroup_sum(value: f32, lane: u32) -> f32 {
    partial[lane] = value;
    workgroupBarrier();
    for (var step = WG / 2u; step > 0u; step /= 2u) {
        if lane < step {
            partial[lane] += partial[lane + step];
        }
        workgroupBarrier();
    }
    let total = partial[0];
    workgroupBarrier(); // so that the next sum may overwrite
    return total;
}
