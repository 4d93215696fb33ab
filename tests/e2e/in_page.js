// Runs in the page before its own scripts: keeps what tests ask about afterwards.

window.tests = { progress: [] };

addEventListener("DOMContentLoaded", () => {
  window.wgslm?.model?.addEventListener("progress", ({ detail }) => tests.progress.push(detail));
});

/** The ids that the engine goes on with after these. */
tests.continueIds = async (ids, options) => {
  const response = await wgslm.api.post("/wgslm/continue", { ids, ...options });
  const lines = (await response.text()).split("\n").filter((line) => line.startsWith("data: {"));
  return lines.flatMap((line) => JSON.parse(line.slice(6)).tokens ?? []);
};

/** Ask and answer so many times, with a new conversation after every `each` of them. */
tests.talk = async (turns, each) => {
  for (let turn = 0; turn < turns; turn++) {
    if (turn % each === 0) wgslm.desk.create();
    await wgslm.chat.send(`This is question ${turn}, and it is answered in few words.`);
    if (wgslm.chat.messages.at(-1).state !== "done") throw new Error(wgslm.chat.messages.at(-1).error);
  }
  wgslm.desk.create();
  await new Promise((resolve) => setTimeout(resolve, 1000)); // what is written later is written now
};

/** Whether the app computes nothing, and nothing waits for it to. */
tests.isIdle = async () => {
  const { busy, waiting } = await (await wgslm.api.fetch("/wgslm/status")).json();
  return !busy && !waiting;
};

/** Drop the file at this address on the page, as a hand would. */
tests.drop = async (url, name) => {
  const data = new DataTransfer();
  data.items.add(new File([await (await fetch(url)).blob()], name));
  for (const type of ["dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
  }
};

/** What is shown beyond the window's right edge, unless something around it scrolls or cuts it. */
tests.overflow = () => {
  const width = document.documentElement.clientWidth;
  const sticksOut = (element) => {
    if (!element.checkVisibility() || element.getBoundingClientRect().right <= width + 1) return false;
    for (let around = element.parentElement; around !== document.body; around = around?.parentElement) {
      if (!around) return false;
      if (getComputedStyle(around).overflowX !== "visible") return around.getBoundingClientRect().right > width + 1;
    }
    return true;
  };
  const found = [...document.body.querySelectorAll("*")].filter(sticksOut).map((e) => e.outerHTML.slice(0, 80));
  return document.scrollingElement.scrollWidth > width ? ["the page itself", ...found] : found;
};
