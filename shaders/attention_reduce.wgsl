// o[h] = sum over s of e^(highest[s] - highest) sums[s] / sum over s of e^(...) total[s]
//
// parts: [heads, SPLITS, DIM4 + 1] as attention_step leaves them: sums, then (highest score, total
// weight, 0, 0); a split without keys has total 0. o: [heads, DIM4]. One lane per vector of four;
// grid x: heads.
// Twin: tests/twins/attention.py

override DIM4: u32 = 16u;
override SPLITS: u32 = 1u;

struct Params {
    heads: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parts: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> o: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    if lane >= DIM4 || group.x >= params.heads {
        return;
    }
    let first = group.x * SPLITS * (DIM4 + 1u);
    var highest = -3.4e38;
    for (var s = 0u; s < SPLITS; s++) {
        highest = max(highest, parts[first + s * (DIM4 + 1u) + DIM4].x);
    }
    var sum = vec4f(0.0);
    var total = 0.0;
    for (var s = 0u; s < SPLITS; s++) {
        let at = first + s * (DIM4 + 1u);
        let part = parts[at + DIM4];
        if part.y != 0.0 {
            let fade = exp(part.x - highest);
            sum += fade * parts[at + lane];
            total += fade * part.y;
        }
    }
    o[group.x * DIM4 + lane] = sum / total;
}
