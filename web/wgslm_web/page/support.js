// Whether models can run in this browser at this address at all; asked before anything is started.

/** Return what is missing as {message, hint}, or null if nothing is. */
export function whatIsMissing() {
  if (!isSecureContext) return notSecure();
  return navigator.gpu ? null : noWebGpu();
}

function notSecure() {
  return {
    message: "This address is not secure, and browsers give WebGPU only to https:// and localhost",
    hint: `Open ${localAddress()} on the computer that serves it; other devices need an https:// address.`,
  };
}

function localAddress() {
  const port = location.port && `:${location.port}`;
  return `http://localhost${port}${location.pathname}`;
}

function noWebGpu() {
  return {
    message: "This browser has no WebGPU, which the model needs to compute",
    hint: "Use a current Chrome, Edge, Firefox or Safari; if this is one, update it or turn on hardware acceleration in its settings.",
  };
}
