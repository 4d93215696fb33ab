// A benchmark's figures as tables of the page.

const TESTS = ["Model", "Cache", "Test", "Tokens/s", "±", "GB/s", "Of copying"];
const LOADS = ["Model", "Cache", "Load s", "Weights MB/s", "Upload", "Re-laying", "Dispatches", "A layer", "Outside", "Host ms/step"];
const KERNELS = ["Kernel", "Format", "Shape", "Dispatches", "µs each", "ms", "Share", "GB/s", "Of copying"];

/** Return the tables of a result: tests, loads, and the kernels of each model that has them. */
export function tablesOf({ models }) {
  const tests = models.flatMap((model) => model.tests.map((test) => testRow(model, test)));
  const found = [table("Speed", TESTS, 3, tests), table("Loading and the host", LOADS, 2, models.map(loadRow))];
  for (const model of models.filter(({ kernels }) => kernels)) {
    const { clock, depth, rows, step_ms } = model.kernels;
    const title = `Kernels of one step, ${model.model}, cache ${model.kv}, depth ${depth}: ${step_ms.toFixed(3)} ms (${clock})`;
    found.push(table(title, KERNELS, 3, rows.map(kernelRow)));
  }
  return found;
}

function testRow(model, test) {
  const speeds = [test.tok_s.toFixed(2), test.tok_s_stdev.toFixed(2)];
  const rates = "gb_s" in test ? [test.gb_s.toFixed(2), percent(test.share_of_copy)] : ["", ""];
  return [model.model, model.kv, test.test, ...speeds, ...rates];
}

function loadRow({ model, kv, load, plans: [decode], host_ms_per_step }) {
  const { dispatches, dispatches_per_layer, dispatches_outside } = decode;
  const rates = [load.mb_s, load.upload_mb_s, load.relay_mb_s].map((rate) => rate.toFixed(0));
  const loading = [load.seconds.toFixed(2), ...rates];
  return [model, kv, ...loading, dispatches, dispatches_per_layer.join(", "), dispatches_outside, host_ms_per_step.toFixed(3)];
}

function kernelRow(row) {
  const times = [row.us_each.toFixed(1), row.ms.toFixed(3), percent(row.share)];
  const rates = row.gb_s ? [row.gb_s.toFixed(2), percent(row.share_of_copy)] : ["", ""];
  return [row.kernel, row.quant, row.shape, row.dispatches, ...times, ...rates];
}

function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}

/** A table whose columns from `numbers` on are numbers; wide ones scroll by themselves. */
function table(title, names, numbers, rows) {
  const place = Object.assign(document.createElement("div"), { className: "wide", tabIndex: 0 });
  place.setAttribute("role", "region");
  place.setAttribute("aria-label", title);
  const made = document.createElement("table");
  made.createCaption().textContent = title;
  fill(made.createTHead().insertRow(), names, numbers, "col");
  const body = made.createTBody();
  for (const row of rows) fill(body.insertRow(), row, numbers, "");
  place.append(made);
  return place;
}

function fill(row, texts, numbers, scope) {
  texts.forEach((text, column) => {
    const cell = document.createElement(scope ? "th" : "td");
    if (scope) cell.scope = scope;
    if (column >= numbers) cell.className = "number";
    cell.textContent = text;
    row.append(cell);
  });
}
