// lanes[0] = how many lanes of a workgroup of 8 are in the subgroup of lane `first`. One workgroup.
// Twin: tests/twins/subgroup_lanes.py

struct Params {
    first: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> lanes: array<u32>;

@compute @workgroup_size(8)
fn main(@builtin(local_invocation_index) lane: u32) {
    let together = subgroupAdd(1u);
    if lane == params.first {
        lanes[0] = together;
    }
}
