// llama.cpp's chain over ranked candidates: typical, top-p, min-p, temperature, draw.
//
// The importer defines WG, `setting`, and the candidates: `values` [n], highest first, and
// `picks` [n], which say where in its own tables a candidate lies. One lane adds up, in order, as
// the CPU does (engine/wgslm/sampling.py), so that both see the same sums but for rounding.

var<workgroup> weights: array<f32, WG>;
var<workgroup> odds: array<f32, WG>; // how far from typical; then chances at the temperature
var<workgroup> order: array<u32, WG>;
var<workgroup> kept: u32;
var<workgroup> log_total: f32;
var<workgroup> entropy: f32;

// Keep the candidates whose surprise is nearest to the expected one, in the order of logits.
fn typical(lane: u32, n: u32) {
    if lane == 0u {
        var total = 0.0;
        var mean = 0.0;
        for (var i = 0u; i < n; i++) {
            total += weights[i];
            mean += weights[i] * (values[i] - values[0]);
        }
        log_total = log(total);
        entropy = log_total - mean / total;
    }
    workgroupBarrier();
    odds[lane] = abs(log_total - (values[lane] - values[0]) - entropy);
    workgroupBarrier();
    if lane < n {
        var rank = 0u;
        for (var i = 0u; i < n; i++) {
            rank += u32(odds[i] < odds[lane] || (odds[i] == odds[lane] && i < lane));
        }
        order[rank] = lane;
    }
    workgroupBarrier();
    if lane == 0u {
        let wanted = setting(TYPICAL_P) * exp(log_total);
        var reached = 0.0;
        for (var i = 0u; i < n && reached <= wanted; i++) {
            reached += weights[order[i]];
            odds[order[i]] = -1.0; // kept
        }
        kept = 0u;
        for (var i = 0u; i < n; i++) {
            if odds[i] == -1.0 {
                values[kept] = values[i];
                weights[kept] = weights[i];
                picks[kept] = picks[i];
                kept++;
            }
        }
    }
    workgroupBarrier();
}

// Return how many of the highest weights it takes to reach top-p, less those below min-p.
fn nucleus(n: u32) -> u32 {
    var total = 0.0;
    for (var i = 0u; i < n; i++) {
        total += weights[i];
    }
    let wanted = setting(TOP_P);
    var reached = 0.0;
    var last = 0u;
    // The highest stays, also where top-p is nothing in f32.
    for (; last < n && (last == 0u || wanted >= 1.0 || reached < wanted * total); last++) {
        reached += weights[last];
    }
    while last > 1u && weights[last - 1u] < setting(MIN_P) * weights[0] {
        last--;
    }
    return last;
}

// Return the index of the candidate that `point`, in [0, 1), falls on.
fn draw(n: u32, point: f32) -> u32 {
    var total = 0.0;
    for (var i = 0u; i < n; i++) {
        total += odds[i];
    }
    var reached = 0.0;
    for (var i = 0u; i < n; i++) {
        reached += odds[i];
        if point * total < reached {
            return i;
        }
    }
    return n - 1u;
}
