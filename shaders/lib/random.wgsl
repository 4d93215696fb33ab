// A uniform number in [0, 1) from a seed of 64 bits and a counter: pcg3d of Jarzynski and Olano,
// "Hash Functions for GPU Rendering" (2020). No state, so that any draw can be repeated alone.
//
// 24 bits, so that the number is exact in f32. Python's is in engine/wgslm/sampling.py.

fn uniform_random(low: u32, high: u32, counter: u32) -> f32 {
    var v = vec3u(low, high, counter) * 1664525u + 1013904223u;
    v.x += v.y * v.z;
    v.y += v.z * v.x;
    v.z += v.x * v.y;
    v ^= v >> vec3u(16u);
    v.x += v.y * v.z;
    return f32(v.x >> 8u) / 16777216.0;
}
