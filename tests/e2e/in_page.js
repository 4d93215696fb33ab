// Runs in the page before its own scripts: keeps what tests ask about afterwards.

window.tests = { longTasks: [], progress: [] };

new PerformanceObserver((list) => {
  for (const { startTime, duration } of list.getEntries()) tests.longTasks.push({ startTime, duration });
}).observe({ type: "longtask", buffered: true });

addEventListener("DOMContentLoaded", () => {
  window.wgslm?.model.addEventListener("progress", ({ detail }) => tests.progress.push(detail));
});

/** The ids that the engine goes on with after these. */
tests.continueIds = async (ids, options) => {
  const response = await wgslm.api.post("/wgslm/continue", { ids, ...options });
  const lines = (await response.text()).split("\n").filter((line) => line.startsWith("data: {"));
  return lines.flatMap((line) => JSON.parse(line.slice(6)).tokens ?? []);
};

/** Drop the file at this address on the page, as a hand would. */
tests.drop = async (url, name) => {
  const data = new DataTransfer();
  data.items.add(new File([await (await fetch(url)).blob()], name));
  for (const type of ["dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
  }
};
