// WebGPU for Python in the tab: buffers by number, recorded dispatches replayed in one call.
//
// Python decides everything; this file holds the GPU's objects, so that a step of hundreds of
// dispatches is one call across the language border (1,500 calls would cost 3 ms a token).

const TIMESTAMPS = "timestamp-query";
const PATIENCE_MS = 120_000; // a GPU that is silent for longer counts as lost
const OPENING_MS = 30_000; // and one that hangs gives out no adapter: the request never settles
const MOST_TIMED = 2048; // dispatches: a query set has two entries for each, and 4096 in all
const NO_MEMORY =
  "the GPU has no memory left for this model; a smaller context or model would fit, " +
  "or closing other tabs that use the GPU";
const ADAPTER = { powerPreference: "high-performance" };
const USAGE = () => GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
const BINDING_TYPE = {
  uniform: "uniform",
  "storage, read": "read-only-storage",
  "storage, read_write": "storage",
};

/** An error whose `name` is that of a class in errors.py. */
function failure(name, message) {
  const error = new Error(message);
  error.name = name;
  return error;
}

/** Let the browser start its GPU process while Python starts; of what fails `openGpu` will tell. */
export function wakeGpu() {
  globalThis.navigator?.gpu?.requestAdapter(ADAPTER).catch(() => {});
}

/** Ask for the best adapter, all that it allows, and those of the `wanted` features it has. */
export async function openGpu(wanted) {
  if (!globalThis.navigator?.gpu) {
    throw failure("NoAdapterError", "this browser offers no WebGPU on this page");
  }
  const asked = navigator.gpu.requestAdapter(ADAPTER);
  const adapter = await opened(asked, "give out an adapter");
  if (!adapter) {
    throw failure("NoAdapterError", "this browser has WebGPU but found no usable graphics adapter");
  }
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const requiredLimits = { maxBufferSize, maxStorageBufferBindingSize };
  const requiredFeatures = [...wanted, TIMESTAMPS].filter((name) => adapter.features.has(name));
  const device = await opened(adapter.requestDevice({ requiredLimits, requiredFeatures }), "open");
  return new Gpu(adapter, device);
}

class Gpu {
  constructor(adapter, device) {
    this.device = device;
    this.info = adapter.info;
    this.isFallback = Boolean(adapter.info.isFallbackAdapter ?? adapter.isFallbackAdapter);
    this.features = [...device.features];
    this.hasTimestamps = device.features.has(TIMESTAMPS);
    this.bufferNbytes = device.limits.maxBufferSize;
    this.bindingNbytes = device.limits.maxStorageBufferBindingSize;
    this.buffers = new Map();
    this.recordings = new Map();
    this.pipelines = new Map();
    this.layouts = new Map();
    this.next = 1;
    this.failures = [];
    this.idleStaging = [];
    this.ending = null; // why the device is gone
    device.lost.then((info) => (this.ending ??= info.message || info.reason));
    device.onuncapturederror = (event) => this.failures.push(event.error);
  }

  createBuffer(size, label) {
    this.check();
    this.buffers.set(this.next, this.device.createBuffer({ size, label, usage: USAGE() }));
    return this.next++;
  }

  destroyBuffer(id) {
    this.buffers.get(id)?.destroy();
    this.buffers.delete(id);
  }

  /** Copy a Uint8Array, which is empty afterwards; a tail that is no whole word is padded. */
  write(id, offset, data) {
    this.check();
    const whole = data.byteLength & ~3;
    const queue = this.device.queue;
    if (whole) queue.writeBuffer(this.buffers.get(id), offset, data, 0, whole);
    if (whole < data.byteLength) {
      const tail = new Uint8Array(4);
      tail.set(data.subarray(whole));
      queue.writeBuffer(this.buffers.get(id), offset + whole, tail);
    }
    data.buffer.transfer?.(0); // frees it now: left to the collector, 64 MB would pile up
  }

  layout(bindings) {
    const key = JSON.stringify(bindings);
    if (!this.layouts.has(key)) {
      const entries = bindings.map(([binding, access]) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: BINDING_TYPE[access] },
      }));
      this.layouts.set(key, this.device.createBindGroupLayout({ entries }));
    }
    return this.layouts.get(key);
  }

  /** Make one pipeline: {key, label, code, constants, bindings: [[index, access], ...]}. */
  async pipeline({ key, label, code, constants, bindings }) {
    if (this.pipelines.has(key)) return;
    const module = this.device.createShaderModule({ label, code });
    const layout = this.device.createPipelineLayout({ bindGroupLayouts: [this.layout(bindings)] });
    const compute = { module, entryPoint: "main", constants };
    try {
      const pipeline = await this.device.createComputePipelineAsync({ label, layout, compute });
      this.pipelines.set(key, { pipeline, bindings });
    } catch (error) {
      const { messages } = await module.getCompilationInfo();
      const first = messages.find((message) => message.type === "error");
      const where = first ? `line ${first.lineNum}: ${first.message}` : error.message;
      throw failure("ShaderError", where);
    }
  }

  /** Make all pipelines of a JSON list, in parallel. */
  async compile(programs) {
    const wanted = JSON.parse(programs);
    const pending = wanted.map((program) => this.pipeline(program));
    const results = await deadline(Promise.allSettled(pending), "compile a shader");
    results.forEach((result, index) => {
      if (result.status === "rejected") {
        throw failure(result.reason.name, `${index}|${result.reason.message}`);
      }
    });
  }

  /** Bind the jobs of a JSON list: [key, params offset, params bytes, [[buffer, offset, bytes]], grid]. */
  record(jobs, params) {
    const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
    const uniforms = this.device.createBuffer({ size: params.byteLength, usage });
    this.device.queue.writeBuffer(uniforms, 0, params);
    const steps = JSON.parse(jobs).map(([key, offset, size, views, grid]) => {
      const { pipeline, bindings } = this.pipelines.get(key);
      const resources = views.map(([id, at, n]) => ({ buffer: this.buffers.get(id), offset: at, size: n }));
      const entries = bindings.map(([binding, access]) => ({
        binding,
        resource: access === "uniform" ? { buffer: uniforms, offset, size } : resources.shift(),
      }));
      const group = this.device.createBindGroup({ layout: this.layout(bindings), entries });
      return { pipeline, group, grid };
    });
    this.recordings.set(this.next, { steps, uniforms });
    return this.next++;
  }

  submit(...ids) {
    this.check();
    this.run(this.stepsOf(ids));
  }

  stepsOf(ids) {
    return ids.flatMap((id) => this.recordings.get(id).steps);
  }

  run(steps) {
    const encoder = this.device.createCommandEncoder();
    this.replay(encoder, steps);
    this.device.queue.submit([encoder.finish()]);
  }

  replay(encoder, steps) {
    const pass = encoder.beginComputePass();
    for (const step of steps) encode(pass, step);
    pass.end();
  }

  /** Run recordings once, a pass for each dispatch, and return each one's seconds. */
  async profile(...ids) {
    this.check();
    const steps = this.stepsOf(ids);
    const seconds = [];
    for (let first = 0; first < steps.length; first += MOST_TIMED) {
      const some = steps.slice(first, first + MOST_TIMED);
      seconds.push(...(await (this.hasTimestamps ? this.timestamps(some) : this.waits(some))));
    }
    return new Float64Array(seconds);
  }

  async timestamps(steps) {
    const count = 2 * steps.length;
    const querySet = this.device.createQuerySet({ type: "timestamp", count });
    const usage = GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC;
    const resolved = this.device.createBuffer({ size: 8 * count, usage });
    const encoder = this.device.createCommandEncoder();
    steps.forEach((step, i) => {
      const marks = { querySet, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 };
      const pass = encoder.beginComputePass({ timestampWrites: marks });
      encode(pass, step);
      pass.end();
    });
    encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
    this.device.queue.submit([encoder.finish()]);
    const ticks = new BigInt64Array((await this.readFrom(resolved, 0, 8 * count)).buffer);
    resolved.destroy();
    querySet.destroy();
    return steps.map((_, i) => Number(ticks[2 * i + 1] - ticks[2 * i]) / 1e9);
  }

  /** Without timestamps: the time from each dispatch's submit to its end, by our clock. */
  async waits(steps) {
    const seconds = [];
    for (const step of steps) {
      const begun = performance.now();
      this.run([step]);
      await this.idle();
      seconds.push((performance.now() - begun) / 1000);
    }
    return seconds;
  }

  release(id) {
    this.recordings.get(id)?.uniforms.destroy();
    this.recordings.delete(id);
  }

  /** Run recordings, if any, and promise a buffer's bytes as they are then; it may be dropped. */
  read(id, offset, nbytes, ...recordings) {
    const bytes = this.copied(id, offset, nbytes, recordings);
    bytes.catch(() => {}); // a dropped one must not be reported as unhandled
    return bytes;
  }

  async copied(id, offset, nbytes, recordings) {
    this.check();
    return this.readFrom(this.buffers.get(id), offset, nbytes, recordings);
  }

  async readFrom(buffer, offset, nbytes, recordings = []) {
    const staging = this.takeStaging(nbytes);
    const encoder = this.device.createCommandEncoder();
    if (recordings.length) this.replay(encoder, this.stepsOf(recordings));
    encoder.copyBufferToBuffer(buffer, offset, staging, 0, nbytes);
    this.device.queue.submit([encoder.finish()]);
    await this.settled(staging.mapAsync(GPUMapMode.READ, 0, nbytes), "answer");
    const bytes = new Uint8Array(staging.getMappedRange(0, nbytes).slice(0));
    staging.unmap();
    this.idleStaging.push(staging);
    this.check();
    return bytes;
  }

  /** Take a buffer that no read is using: one whose reader was cancelled is mapped all the same. */
  takeStaging(size) {
    const fitting = this.idleStaging.findIndex((buffer) => buffer.size >= size);
    if (fitting >= 0) return this.idleStaging.splice(fitting, 1)[0];
    this.idleStaging.pop()?.destroy();
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    return this.device.createBuffer({ size, usage });
  }

  async idle() {
    await this.settled(this.device.queue.onSubmittedWorkDone(), "finish its work");
    this.check();
  }

  /** Wait for the GPU; a rejection means what `check` finds, else that the device is gone. */
  async settled(promise, what) {
    try {
      await deadline(promise, what);
    } catch (error) {
      this.check();
      this.ending ??= error.message;
      this.check();
    }
  }

  /** Throw what has gone wrong since the last check. */
  check() {
    if (this.ending !== null) throw failure("DeviceLostError", `the GPU is gone: ${this.ending}`);
    const error = this.failures.shift();
    this.failures.length = 0;
    if (!error) return;
    if (error instanceof GPUOutOfMemoryError) throw failure("LimitError", NO_MEMORY);
    throw failure("DeviceLostError", `the GPU refused a command: ${error.message}`);
  }

  close() {
    this.ending ??= "it was closed";
    this.device.destroy();
  }
}

function encode(pass, { pipeline, group, grid }) {
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(grid[0], grid[1], grid[2]);
}

/** What opens the GPU; if it does not, there is none. */
async function opened(promise, what) {
  try {
    return await deadline(promise, what, OPENING_MS);
  } catch (error) {
    throw failure("NoAdapterError", error.message);
  }
}

/** Reject when a promise takes longer than `ms`. */
function deadline(promise, what, ms = PATIENCE_MS) {
  let timer;
  const late = new Promise((_, reject) => {
    const message = `the GPU did not ${what} within ${ms / 1000} s`;
    timer = setTimeout(() => reject(failure("DeviceLostError", message)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
