// KV cache in half floats: four values in two words.

alias Packed4 = vec2u;

fn unpack_kv(p: Packed4) -> vec4f {
    return vec4f(unpack2x16float(p.x), unpack2x16float(p.y));
}

fn pack_kv(v: vec4f) -> Packed4 {
    let limited = clamp(v, vec4f(-65504.0), vec4f(65504.0));
    return vec2u(pack2x16float(limited.xy), pack2x16float(limited.zw));
}
