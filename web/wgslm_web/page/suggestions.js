// Models to begin with, by what a device can hold. Only names and formats: files, sizes and SHA-256
// are looked up at the hub when one is chosen.

export const CLASSES = [
  {
    id: "software",
    note: "This browser offers no GPU here, so only very small models answer quickly.",
    models: [
      { repo: "bartowski/SmolLM2-135M-Instruct-GGUF", format: "Q8_0", about: "135 M parameters, 0.1 GB. Quick, and knows little." },
      { repo: "bartowski/SmolLM2-360M-Instruct-GGUF", format: "Q8_0", about: "360 M parameters, 0.4 GB." },
    ],
  },
  {
    id: "small",
    note: "For phones, and for computers with little memory.",
    models: [
      { repo: "bartowski/SmolLM2-360M-Instruct-GGUF", format: "Q8_0", about: "360 M parameters, 0.4 GB." },
      { repo: "Qwen/Qwen2.5-0.5B-Instruct-GGUF", format: "Q8_0", about: "0.5 B parameters, 0.7 GB. Many languages." },
      { repo: "Qwen/Qwen3-0.6B-GGUF", format: "Q8_0", about: "0.6 B parameters, 0.6 GB. Can think before it answers." },
    ],
  },
  {
    id: "medium",
    note: "For computers with 8 GB of memory or a graphics card.",
    models: [
      { repo: "bartowski/Llama-3.2-1B-Instruct-GGUF", format: "Q4_K_M", about: "1.2 B parameters, 0.8 GB." },
      { repo: "Qwen/Qwen3-1.7B-GGUF", format: "Q8_0", about: "1.7 B parameters, 1.8 GB. Can think before it answers." },
      { repo: "bartowski/Llama-3.2-3B-Instruct-GGUF", format: "Q4_K_M", about: "3.2 B parameters, 2.0 GB." },
    ],
  },
  {
    id: "large",
    note: "For graphics cards with 8 GB and more.",
    models: [
      { repo: "Qwen/Qwen3-4B-GGUF", format: "Q4_K_M", about: "4 B parameters, 2.5 GB. Can think before it answers." },
      { repo: "bartowski/Qwen2.5-7B-Instruct-GGUF", format: "Q4_K_M", about: "7.6 B parameters, 4.7 GB." },
      { repo: "Qwen/Qwen3-8B-GGUF", format: "Q4_K_M", about: "8.2 B parameters, 5.0 GB. Can think before it answers." },
    ],
  },
];

/** The class of a device: by its adapter's largest buffer (bytes), memory (GiB, 8 at most), kind. */
export function classOf({ isSoftware, isPhone, bufferNbytes, memory }) {
  if (isSoftware) return CLASSES[0];
  if (isPhone || memory <= 4 || bufferNbytes < 1 << 30) return CLASSES[1];
  return bufferNbytes < 2 ** 31 ? CLASSES[2] : CLASSES[3];
}

/** What this device is, as far as the browser tells. */
export async function thisDevice() {
  const adapter = await navigator.gpu?.requestAdapter();
  const info = adapter?.info ?? {};
  return {
    isSoftware: !adapter || Boolean(info.isFallbackAdapter) || /swiftshader|llvmpipe|lavapipe/i.test(`${info.architecture} ${info.device} ${info.description}`),
    isPhone: Boolean(navigator.userAgentData?.mobile) || /Android|iPhone/.test(navigator.userAgent),
    bufferNbytes: adapter?.limits.maxBufferSize ?? 0,
    memory: navigator.deviceMemory ?? 8,
  };
}
