// Split blocks of bytes into two aligned streams, byte for byte
//
// raw: `blocks` blocks of `nbytes` from byte `start` on; scales_nbytes bytes of each go to `scales`:
// those before quants_at, and the last ones; the others, in between, go to `quants`, where a block
// has block_words words, padded with zeros.
// The first block's index is first_block; scales are written in whole words, so first_block must
// begin one. One lane per word of either stream, quants first. Grid x, folded.
// Twin: tests/twins/repack.py

struct Params {
    start: u32,
    blocks: u32,
    first_block: u32,
    nbytes: u32,
    quants_at: u32,
    scales_nbytes: u32,
    block_words: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> raw: array<u32>;
@group(0) @binding(2) var<storage, read_write> quants: array<u32>;
@group(0) @binding(3) var<storage, read_write> scales: array<u32>;

fn raw_u8(at: u32) -> u32 {
    return (raw[at / 4u] >> (8u * (at & 3u))) & 255u;
}

fn quant_byte(block: u32, i: u32) -> u32 {
    if i >= params.nbytes - params.scales_nbytes {
        return 0u;
    }
    return raw_u8(params.start + block * params.nbytes + params.quants_at + i);
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

fn word(a: u32, b: u32, c: u32, d: u32) -> u32 {
    return a | (b << 8u) | (c << 16u) | (d << 24u);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = (group.y * 32768u + group.x) * 64u + lane;
    let quant_words = params.blocks * params.block_words;
    if at < quant_words {
        let block = at / params.block_words;
        let i = (at % params.block_words) * 4u;
        quants[params.first_block * params.block_words + at] = word(
            quant_byte(block, i), quant_byte(block, i + 1u),
            quant_byte(block, i + 2u), quant_byte(block, i + 3u),
        );
        return;
    }
    let i = (at - quant_words) * 4u;
    if i < params.blocks * params.scales_nbytes {
        scales[params.first_block * params.scales_nbytes / 4u + i / 4u] = word(
            scale_byte(i), scale_byte(i + 1u), scale_byte(i + 2u), scale_byte(i + 3u),
        );
    }
}
