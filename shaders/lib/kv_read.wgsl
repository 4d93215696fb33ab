// A word of the importer's caches, for lib/kv_<type>; `which` is a constant wherever it is called.

fn kv_word(which: u32, at: u32) -> Word {
    if which == OF_K {
        return k_cache[at];
    }
    return v_cache[at];
}
