// How a generation draws, written once by the host, and what the GPU keeps of it.
//
// engine/wgslm/kernels/sample.py packs `sampling` in this order; `setting` reads an f32 of it. The
// importer declares both buffers.

const TEMPERATURE = 0u; // f32; 0: take the highest
const TOP_P = 1u; // f32
const MIN_P = 2u; // f32
const TYPICAL_P = 3u; // f32
const RAISE = 4u; // f32: factor of a repeated token's logit that is not positive
const LOWER = 5u; // f32: and of one that is
const PRESENCE = 6u; // f32, taken off once
const FREQUENCY = 7u; // f32, taken off for every time
const TOP_K = 8u; // 1 to 256
const LAST_N = 9u; // ids that penalties look back on
const SEED = 10u; // two words
const BUDGET = 12u; // ids to draw
const STOP_COUNT = 13u;
const BIAS_COUNT = 14u;
const LEAST = 15u; // ids to draw before any of the stops
const STOPS = 16u; // 16 ids
const BIASES = 32u; // pairs of an id and an f32

// Words of `sampled`: ids drawn so far, why no more are, the last id, ids seen, a ring of them.
const DRAWN = 0u;
const DONE = 1u;
const LAST = 2u;
const SEEN = 3u;
const RING = 4u;
const RING_SIZE = 1024u;

const BY_STOP = 1u;
const BY_LENGTH = 2u;
const BY_NOT_NUMBERS = 3u;

fn setting(word: u32) -> f32 {
    return bitcast<f32>(sampling[word]);
}
