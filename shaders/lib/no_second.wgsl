// Stands for a second format where there is none; never called.

fn decode32_second(group: u32) -> array<vec4f, 8> {
    return array<vec4f, 8>();
}

fn integers32_second(group: u32) -> array<vec4u, 2> {
    return array<vec4u, 2>();
}

fn factors32_second(group: u32) -> vec4f {
    return vec4f();
}
