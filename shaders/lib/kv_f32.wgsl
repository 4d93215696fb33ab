// KV cache in floats: four values in four words.

alias Packed4 = vec4u;

fn unpack_kv(p: Packed4) -> vec4f {
    return bitcast<vec4f>(p);
}

fn pack_kv(v: vec4f) -> Packed4 {
    return bitcast<vec4u>(v);
}
