// found = [0, the k-th largest of maxima]: the second of three steps
//
// k is the step's number of candidates. That many chunks have a logit at or above the k-th largest
// maximum, so at least k logits do; with fewer chunks than k it is 0, and all logits are. Found
// bit by bit, from the highest. One workgroup.
// Twin: tests/twins/top.py

const WG = 256u;
#import lib/step

struct Params {
    chunks: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> maxima: array<u32>;
@group(0) @binding(3) var<storage, read_write> found: array<u32>;

var<workgroup> above: atomic<u32>;

@compute @workgroup_size(WG)
fn main(@builtin(local_invocation_index) lane: u32) {
    let wanted = step_candidates();
    var threshold = 0u;
    for (var bit = 0u; bit < 32u; bit++) {
        let candidate = threshold | (0x80000000u >> bit);
        if lane == 0u {
            atomicStore(&above, 0u);
        }
        workgroupBarrier();
        var mine = 0u;
        for (var i = lane; i < params.chunks; i += WG) {
            mine += u32(maxima[i] >= candidate);
        }
        atomicAdd(&above, mine);
        workgroupBarrier();
        if atomicLoad(&above) >= wanted {
            threshold = candidate;
        }
        workgroupBarrier();
    }
    if lane == 0u {
        found[0] = 0u;
        found[1] = threshold;
    }
}
