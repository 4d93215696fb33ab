// The step buffer: what changes from step to step, while the plan stays the same.
//
// words 0: count of tokens in this step; 1: position of the first; 2: candidates wanted;
// 8 ...: the tokens' ids. The importer declares `step: array<u32>`.

const STEP_IDS = 8u;

fn step_count() -> u32 {
    return step[0];
}

fn step_position() -> u32 {
    return step[1];
}

fn step_candidates() -> u32 {
    return step[2];
}

fn step_id(token: u32) -> u32 {
    return step[STEP_IDS + token];
}
