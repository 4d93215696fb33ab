// The k highest logits, ranked: `values` and, in `picks`, their ids; equal ones by id.
//
// A chunk is 32 logits of one lane, (32 b + row) 256 + lane, so that neighbours read neighbours. The
// maxima of the chunks say which of them can hold a candidate. The importer declares `logits`,
// `maxima`, `params.vocab` and WG, which is also the most candidates; `least` is a chunk's key.

const ROWS = 32u;
#import lib/order
#import lib/select

var<workgroup> found: atomic<u32>;
var<workgroup> found_ids: array<u32, WG>;
var<workgroup> found_bits: array<u32, WG>;
var<workgroup> is_bad: atomic<u32>; // a candidate is infinite or no number
var<workgroup> values: array<f32, WG>; // ranked
var<workgroup> picks: array<u32, WG>; // their ids

// Not all adapters hand out workgroup memory zeroed (lavapipe natively does not).
fn clear_candidates(lane: u32) {
    clear_counts(lane);
    if lane == 0u {
        atomicStore(&found, 0u);
        atomicStore(&is_bad, 0u);
    }
}

fn key_of(id: u32) -> u32 {
    return select(0u, order_key(logits[min(id, params.vocab - 1u)]), id < params.vocab);
}

fn find_maxima(lane: u32, blocks: u32) {
    for (var block = 0u; block < blocks; block++) {
        var highest = vec4u(0u);
        for (var row = 0u; row < ROWS; row += 4u) {
            let id = (block * ROWS + row) * WG + lane;
            let keys = vec4u(key_of(id), key_of(id + WG), key_of(id + 2u * WG), key_of(id + 3u * WG));
            highest = max(highest, keys);
        }
        maxima[block * WG + lane] =
            max(max(highest.x, highest.y), max(highest.z, highest.w));
    }
}

// The k-th highest of the maxima: that many logits at least are at or above it.
fn chunk_bound(lane: u32, blocks: u32, k: u32) -> Bound {
    var bound = Bound(0u, 0u, k);
    for (var digit = 0u; digit < KEY_DIGITS; digit++) {
        for (var block = 0u; block < blocks; block++) {
            count_digit(digit, digit, bound, maxima[block * WG + lane], 0u);
        }
        workgroupBarrier();
        bound = next_bound(digit, digit, bound);
    }
    return bound;
}

// The k-th highest logit, looked for where the maxima are high enough.
fn exact_bound(lane: u32, blocks: u32, k: u32, least: u32) -> Bound {
    var bound = Bound(0u, 0u, k);
    for (var digit = 0u; digit < DIGITS; digit++) {
        for (var block = 0u; block < blocks; block++) {
            if maxima[block * WG + lane] >= least {
                for (var row = 0u; row < ROWS; row++) {
                    let id = (block * ROWS + row) * WG + lane;
                    if id < params.vocab {
                        count_digit(KEY_DIGITS + digit, digit, bound, key_of(id), id);
                    }
                }
            }
        }
        workgroupBarrier();
        bound = next_bound(KEY_DIGITS + digit, digit, bound);
    }
    return bound;
}

fn collect(lane: u32, blocks: u32, bound: Bound) {
    for (var block = 0u; block < blocks; block++) {
        if maxima[block * WG + lane] >= bound.key {
            for (var row = 0u; row < ROWS; row++) {
                let id = (block * ROWS + row) * WG + lane;
                if id < params.vocab && is_within(bound, key_of(id), id) {
                    let at = atomicAdd(&found, 1u);
                    found_ids[at] = id;
                    found_bits[at] = logits[id];
                    if (logits[id] & 0x7f800000u) == 0x7f800000u {
                        atomicStore(&is_bad, 1u);
                    }
                }
            }
        }
    }
}

fn rank(lane: u32, n: u32) {
    if lane < n {
        let key = order_key(found_bits[lane]);
        var above = 0u;
        for (var i = 0u; i < n; i++) {
            let other = order_key(found_bits[i]);
            above += u32(other > key || (other == key && found_ids[i] < found_ids[lane]));
        }
        values[above] = bitcast<f32>(found_bits[lane]);
        picks[above] = found_ids[lane];
    }
}
