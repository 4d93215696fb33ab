// Split blocks of bytes into two aligned streams, bit for bit
//
// raw: `blocks` blocks of `nbytes` from byte `start` on; scales_nbytes bytes of each go to `scales`:
// those before quants_at, and the last ones; the others, in between, go to `quants`, where a block
// has block_vectors x 16 bytes, padded with zeros. From vector nibbles_at on, in nibbles_vectors of
// them, the low nibbles of 32 bytes become 16 bytes, and the high ones the next 16.
// The first block's index is first_block; scales are written in whole words, so first_block must
// begin one. One lane per 16 bytes of quants, then one per word of scales. Grid x, folded.
// Twin: tests/twins/repack.py

struct Params {
    start: u32,
    blocks: u32,
    first_block: u32,
    nbytes: u32,
    quants_at: u32,
    scales_nbytes: u32,
    block_vectors: u32,
    nibbles_at: u32,
    nibbles_vectors: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> raw: array<u32>;
@group(0) @binding(2) var<storage, read_write> quants: array<vec4u>;
@group(0) @binding(3) var<storage, read_write> scales: array<u32>;

fn raw_u8(at: u32) -> u32 {
    return (raw[at / 4u] >> (8u * (at & 3u))) & 255u;
}

// The 16 bytes from byte `at` on.
fn raw_vector(at: u32) -> vec4u {
    let k = at / 4u;
    let v = vec4u(raw[k], raw[k + 1u], raw[k + 2u], raw[k + 3u]);
    let shift = 8u * (at & 3u);
    if shift == 0u {
        return v;
    }
    return (v >> vec4u(shift)) | (vec4u(v.yzw, raw[k + 4u]) << vec4u(32u - shift));
}

// Keep the first `count` bytes.
fn first_bytes(v: vec4u, count: u32) -> vec4u {
    let inside = clamp(vec4i(i32(count)) - vec4i(0, 4, 8, 12), vec4i(0), vec4i(4));
    let bits = vec4u(8 * inside);
    return select(v & ((vec4u(1u) << (bits & vec4u(31u))) - 1u), v, bits == vec4u(32u));
}

// Bytes 16 i .. 16 i + 15 of a block's quants; those beyond are 0.
fn quant_vector(block: u32, i: u32) -> vec4u {
    let count = params.nbytes - params.scales_nbytes;
    let v = raw_vector(params.start + block * params.nbytes + params.quants_at + 16u * i);
    return first_bytes(v, max(count, 16u * i) - 16u * i);
}

// The nibbles of two vectors, regrouped: the first of the pair that has vector i, or the second.
fn regrouped(block: u32, i: u32) -> vec4u {
    let second = (i - params.nibbles_at) & 1u;
    let a = quant_vector(block, i - second);
    let b = quant_vector(block, i + 1u - second);
    let low = (a & vec4u(0x0f0f0f0fu)) | ((b & vec4u(0x0f0f0f0fu)) << vec4u(4u));
    let high = ((a >> vec4u(4u)) & vec4u(0x0f0f0f0fu)) | (b & vec4u(0xf0f0f0f0u));
    return select(low, high, second == 1u);
}

fn scale_byte(i: u32) -> u32 {
    if i >= params.blocks * params.scales_nbytes {
        return 0u;
    }
    let block = i / params.scales_nbytes;
    let within = i % params.scales_nbytes;
    let skip = select(0u, params.nbytes - params.scales_nbytes, within >= params.quants_at);
    return raw_u8(params.start + block * params.nbytes + within + skip);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = (group.y * 32768u + group.x) * 64u + lane;
    let vectors = params.blocks * params.block_vectors;
    if at < vectors {
        let block = at / params.block_vectors;
        let i = at - block * params.block_vectors;
        let to = params.first_block * params.block_vectors + at;
        if i >= params.nibbles_at && i - params.nibbles_at < params.nibbles_vectors {
            quants[to] = regrouped(block, i);
        } else {
            quants[to] = quant_vector(block, i);
        }
        return;
    }
    let i = (at - vectors) * 4u;
    if i < params.blocks * params.scales_nbytes {
        scales[params.first_block * params.scales_nbytes / 4u + i / 4u] = scale_byte(i)
            | (scale_byte(i + 1u) << 8u) | (scale_byte(i + 2u) << 16u)
            | (scale_byte(i + 3u) << 24u);
    }
}
