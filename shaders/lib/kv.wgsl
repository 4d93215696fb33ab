// The KV cache: two buffers [kv_heads, slots, row], and which keys a query sees.
//
// Position p lies in slot p % slots. With a window (params.window; 0 is none) a query sees that
// many positions, its own included; the slots are then a ring, which must hold the window and
// the tokens of a step. The importer's params have `slots` and `window`.

override DIM4: u32 = 16u; // head_dim / 4
const OF_K = 0u;
const OF_V = 1u;

// The first position that a query at `position` sees.
fn first_seen(position: u32) -> u32 {
    let keys = position + 1u;
    return select(keys - min(keys, params.window), 0u, params.window == 0u);
}

// The slot `k` after slot `start`; both below `slots`.
fn slot_after(start: u32, k: u32) -> u32 {
    let slot = start + k;
    return select(slot, slot - params.slots, slot >= params.slots);
}
