// One vector of each of 8 lanes, told to all of them.
//
// On lavapipe a load costs about ten times as much as a broadcast: it is made lane by lane, also
// where all lanes load the same. Call it in uniform control flow, in a workgroup of 8 lanes that is
// one subgroup.

fn spread(v: vec4f) -> array<vec4f, 8> {
    return array<vec4f, 8>(
        subgroupBroadcast(v, 0u), subgroupBroadcast(v, 1u),
        subgroupBroadcast(v, 2u), subgroupBroadcast(v, 3u),
        subgroupBroadcast(v, 4u), subgroupBroadcast(v, 5u),
        subgroupBroadcast(v, 6u), subgroupBroadcast(v, 7u),
    );
}
