// What is missing where models cannot run: at this address, in this browser, on this system; and how to
// get it. Asked before anything is started.
//
// Versions are those of the wiki of github.com/gpuweb/gpuweb, "Implementation Status", April 2026.

const FIRST = {
  chromium: { windows: 113, mac: 113, chromeos: 113, android: 121, linux: 144 },
  firefox: { windows: 141, mac: 145 },
  webkit: { mac: 26, ios: 26 },
};
const SYSTEMS = { windows: "Windows", mac: "macOS", chromeos: "ChromeOS", android: "Android", linux: "Linux", ios: "iOS" };
const SOFTWARE = /swiftshader|llvmpipe|softpipe|basic render/i;

/** Return what is missing as {message, hint}, or null if nothing is. */
export function whatIsMissing() {
  if (!isSecureContext) return notSecure();
  return navigator.gpu ? null : noWebGpu(thisBrowser());
}

function notSecure() {
  return {
    message: "This address is not secure, and browsers give WebGPU only to https:// and localhost",
    hint: `Open ${localAddress()} on the computer that serves it; other devices need an https:// address. To try it in Chrome or Edge, name ${location.origin} at chrome://flags/#unsafely-treat-insecure-origin-as-secure.`,
  };
}

function localAddress() {
  const port = location.port && `:${location.port}`;
  return `http://localhost${port}${location.pathname}`;
}

/** Which browser this is, as far as it tells: {engine, name, version, system}. */
export function thisBrowser({ userAgent: agent, maxTouchPoints = 0 } = navigator) {
  const system = systemOf(agent, maxTouchPoints);
  const found = (pattern) => Number(pattern.exec(agent)?.[1] ?? NaN);
  const browser = (engine, name, version) => ({ engine, name, version, system });
  if (system === "ios") return browser("webkit", "This browser", found(/Version\/(\d+)/));
  if (/Firefox\//.test(agent)) return browser("firefox", "Firefox", found(/Firefox\/(\d+)/));
  if (/Edg\//.test(agent)) return browser("chromium", "Edge", found(/Edg\/(\d+)/));
  if (/Chrome\//.test(agent)) return browser("chromium", "Chrome", found(/Chrome\/(\d+)/));
  if (/Version\/\d+.*Safari\//.test(agent)) return browser("webkit", "Safari", found(/Version\/(\d+)/));
  return browser("other", "This browser", NaN);
}

function systemOf(agent, touches) {
  if (/iPhone|iPad|iPod/.test(agent) || (/Macintosh/.test(agent) && touches > 1)) return "ios";
  const names = [["android", /Android/], ["chromeos", /CrOS/], ["windows", /Windows/], ["mac", /Macintosh/], ["linux", /Linux/]];
  return names.find(([, pattern]) => pattern.test(agent))?.[0] ?? "";
}

/** Say why a browser has no `navigator.gpu`, and what to do. */
export function noWebGpu({ engine, name, version, system }) {
  const first = FIRST[engine]?.[system];
  const place = SYSTEMS[system] ? ` on ${SYSTEMS[system]}` : "";
  const shown = Number.isNaN(version) ? name : `${name} ${version}`;
  const message = `${shown}${place} has no WebGPU, which the model needs to compute`;
  if (version < first) return { message, hint: updateTo(engine, system, name, first) };
  return { message, hint: TURN_ON[engine]?.(system) ?? OTHER };
}

function updateTo(engine, system, name, first) {
  if (engine === "webkit") return `WebGPU came with ${SYSTEMS[system]} ${first}: update the system, and with it the browser.`;
  return `WebGPU came to ${SYSTEMS[system]} with ${name} ${first}: update the browser.`;
}

const OTHER = "Use a current Chrome, Edge, Firefox or Safari.";
const ACCELERATION = "Turn on “Use graphics acceleration when available” at chrome://settings/system and start the browser again; chrome://gpu says what it finds.";
const TURN_ON = {
  chromium: (system) => (system === "linux" ? LINUX : ACCELERATION),
  firefox: (system) => {
    if (system === "mac") return "Set dom.webgpu.enabled to true in about:config; on Macs with Intel processors, which have none in Firefox, use Chrome or Safari.";
    if (system === "windows") return "Set dom.webgpu.enabled to true in about:config, or use Chrome or Edge.";
    return "Firefox keeps it turned off on this system: set dom.webgpu.enabled to true in about:config, or use Firefox Nightly or Chrome.";
  },
  webkit: (system) => (system === "ios" ? "Turn WebGPU on in Settings, Apps, Safari, Advanced, Feature Flags." : "Turn WebGPU on in Safari's Settings, Feature Flags."),
};
const LINUX =
  "On Linux, Chrome gives it to Intel GPUs of 2020 or later, and to NVIDIA with driver 535.183.01 or later. " +
  "For others turn on chrome://flags/#enable-unsafe-webgpu and chrome://flags/#enable-vulkan, and update the graphics driver; chrome://gpu says what it finds.";

/** What helps where WebGPU is there and no adapter is. */
export function hintWithoutAdapter() {
  const { engine, system } = thisBrowser();
  const renderer = rendererName();
  const kind = SOFTWARE.test(renderer) ? ", in software: there is no driver for the GPU, or it is turned off" : "";
  const drawn = renderer && `The browser draws with ${renderer}${kind}. `;
  const advice = { chromium: system === "linux" ? LINUX : ACCELERATION, firefox: "Update the graphics driver; about:support says under “Graphics” what Firefox finds." };
  return `${drawn}${advice[engine] ?? "Update the system, and with it the graphics driver."}`;
}

/** What draws pages here, as WebGL tells it; empty where it does not. */
function rendererName() {
  const gl = new OffscreenCanvas(1, 1).getContext("webgl");
  const names = gl?.getExtension("WEBGL_debug_renderer_info");
  const found = names ? gl.getParameter(names.UNMASKED_RENDERER_WEBGL) : "";
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return found;
}
