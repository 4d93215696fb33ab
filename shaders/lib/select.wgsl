// The k-th highest of pairs (key, id) by a workgroup; among equal keys the lower id is higher.
//
// Digit by digit from the highest: lanes count the digits of the pairs that match so far, and after
// a barrier every lane finds the same next digit. The importer defines WG.

const KEY_DIGITS = 8u; // of 4 bits
const DIGITS = 14u; // and 6 of the id, which is below 2^24

var<workgroup> counts: array<atomic<u32>, 352>; // [KEY_DIGITS + DIGITS][16]: two searches

// What is known of the k-th highest pair; `left` is its rank among those that match so far.
struct Bound {
    key: u32,
    rest: u32, // complement of the id
    left: u32,
}

fn complement(id: u32) -> u32 {
    return 0xffffffu - id;
}

fn clear_counts(lane: u32) {
    for (var i = lane; i < (KEY_DIGITS + DIGITS) * 16u; i += WG) {
        atomicStore(&counts[i], 0u);
    }
}

// Count a pair's digit, in row `row` of the counts, if those before it are the bound's.
fn count_digit(row: u32, digit: u32, bound: Bound, key: u32, id: u32) {
    var value: u32;
    var differs: u32;
    if digit < KEY_DIGITS {
        value = key >> (28u - 4u * digit);
        differs = ((key ^ bound.key) >> (28u - 4u * digit)) >> 4u;
    } else {
        value = complement(id) >> (52u - 4u * digit);
        differs = (key ^ bound.key)
            | (((complement(id) ^ bound.rest) >> (52u - 4u * digit)) >> 4u);
    }
    if differs == 0u {
        atomicAdd(&counts[row * 16u + (value & 15u)], 1u);
    }
}

// Return the bound with one digit more; a barrier lies between this and the counting.
fn next_bound(row: u32, digit: u32, bound: Bound) -> Bound {
    var left = bound.left;
    var value = 15u;
    for (; value > 0u; value--) {
        let here = atomicLoad(&counts[row * 16u + value]);
        if here >= left {
            break;
        }
        left -= here;
    }
    if digit < KEY_DIGITS {
        return Bound(bound.key | (value << (28u - 4u * digit)), bound.rest, left);
    }
    return Bound(bound.key, bound.rest | (value << (52u - 4u * digit)), left);
}

fn is_within(bound: Bound, key: u32, id: u32) -> bool {
    return key > bound.key || (key == bound.key && complement(id) >= bound.rest);
}
