// step.ids[0] = the next id, drawn from the logits; the step goes on one token, or is done
//
// logits: f32 bits [vocab], changed by biases and penalties; maxima: scratch [ceil(vocab / 8192) *
// 256]; sampling, sampled: see lib/sampling. A step of no token changes nothing but the logits and
// the scratch. One workgroup.
// Twin: tests/twins/sampling.py

const WG = 256u; // also the most candidates
#import lib/step
#import lib/random
#import lib/sampling
#import lib/penalties
#import lib/candidates
#import lib/chain

struct Params {
    vocab: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sampling: array<u32>;
@group(0) @binding(2) var<storage, read_write> step: array<u32>;
@group(0) @binding(3) var<storage, read_write> logits: array<u32>;
@group(0) @binding(4) var<storage, read_write> maxima: array<u32>;
@group(0) @binding(5) var<storage, read_write> sampled: array<u32>;

// Take the drawn id over into the next step; one lane.
fn advance(id: u32) {
    let drawn = sampled[DRAWN] + 1u;
    sampled[DRAWN] = drawn;
    sampled[LAST] = id;
    sampled[RING + sampled[SEEN] % RING_SIZE] = id;
    sampled[SEEN] += 1u;
    if drawn >= sampling[BUDGET] {
        sampled[DONE] = BY_LENGTH;
    }
    for (var i = 0u; i < sampling[STOP_COUNT]; i++) {
        if sampling[STOPS + i] == id {
            sampled[DONE] = BY_STOP;
        }
    }
    step[1] = step_position() + step_count();
    step[STEP_IDS] = id;
    step[0] = u32(sampled[DONE] == 0u);
}

@compute @workgroup_size(WG)
fn main(@builtin(local_invocation_index) lane: u32) {
    clear_candidates(lane);
    add_biases(lane);
    storageBarrier();
    workgroupBarrier();
    penalise(lane);
    storageBarrier();
    workgroupBarrier();
    bar_stops(lane, params.vocab);
    storageBarrier();
    workgroupBarrier();

    // Ranked: the k highest logits, and their ids.
    let blocks = (params.vocab + ROWS * WG - 1u) / (ROWS * WG);
    let k = min(sampling[TOP_K], params.vocab);
    find_maxima(lane, blocks);
    let least = chunk_bound(lane, blocks, k).key;
    collect(lane, blocks, exact_bound(lane, blocks, k, least));
    workgroupBarrier();
    rank(lane, k);
    workgroupBarrier();

    // The chain: weights relative to the highest, then chances at the temperature.
    let temperature = setting(TEMPERATURE);
    var n = k;
    weights[lane] = select(0.0, exp(values[lane] - values[0]), lane < n);
    workgroupBarrier();
    if setting(TYPICAL_P) < 1.0 {
        typical(lane, n);
        n = kept;
    }
    if temperature > 0.0 {
        odds[lane] = exp((values[lane] - values[0]) / temperature);
        workgroupBarrier();
    }
    if lane == 0u && step_count() > 0u {
        if atomicLoad(&is_bad) != 0u {
            sampled[DONE] = BY_NOT_NUMBERS;
            step[0] = 0u;
        } else if temperature == 0.0 {
            advance(picks[0]);
        } else {
            let point = uniform_random(sampling[SEED], sampling[SEED + 1u], sampled[DRAWN]);
            advance(picks[draw(nucleus(n), point)]);
        }
    }
}
