// y = x: how fast memory is, for benchmarks to compare with
//
// x, y: [vectors]. One workgroup copies TILE vectors of 16 bytes, a lane every 256th of them.
// Grid x, folded.
// Twin: tests/twins/copy.py

const TILE = 1024u;

struct Params {
    vectors: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4u>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let first = (group.y * 32768u + group.x) * TILE + lane;
    for (var i = 0u; i < TILE; i += 256u) {
        if first + i < params.vectors {
            y[first + i] = x[first + i];
        }
    }
}
