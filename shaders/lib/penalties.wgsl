// Biases, then penalties, then what must not be drawn yet, on the logits in place.
//
// The importer declares `logits` (f32 bits), `sampling`, `sampled` and WG. A barrier of storage
// and workgroup lies between each two, and follows them.

const BARRED = -1e30; // a logit that no other is below, and that gives no chance

var<workgroup> recent: array<u32, RING_SIZE>; // the ids that penalties look back on

fn add_biases(lane: u32) {
    for (var i = lane; i < sampling[BIAS_COUNT]; i += WG) {
        let id = sampling[BIASES + 2u * i];
        let bias = setting(BIASES + 2u * i + 1u);
        logits[id] = bitcast<u32>(bitcast<f32>(logits[id]) + bias);
    }
    let seen = sampled[SEEN];
    let n = min(sampling[LAST_N], seen);
    for (var i = lane; i < n; i += WG) {
        recent[i] = sampled[RING + (seen - n + i) % RING_SIZE];
    }
}

// One lane per id of the window; the first of equal ones changes the logit.
fn penalise(lane: u32) {
    let n = min(sampling[LAST_N], sampled[SEEN]);
    for (var i = lane; i < n; i += WG) {
        let id = recent[i];
        var times = 0u;
        var is_first = true;
        for (var j = 0u; j < n; j++) {
            times += u32(recent[j] == id);
            is_first = is_first && (recent[j] != id || j >= i);
        }
        if is_first {
            let logit = bitcast<f32>(logits[id]);
            let repeated = logit * select(setting(RAISE), setting(LOWER), logit > 0.0);
            let taken = setting(PRESENCE) + f32(times) * setting(FREQUENCY);
            logits[id] = bitcast<u32>(repeated - taken);
        }
    }
}

// An answer has not come to its least length: none of its ends is drawn.
fn bar_stops(lane: u32, vocab: u32) {
    if lane < sampling[STOP_COUNT] && sampled[DRAWN] < sampling[LEAST] {
        let id = sampling[STOPS + lane];
        if id < vocab {
            logits[id] = bitcast<u32>(BARRED);
        }
    }
}
