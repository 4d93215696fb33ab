// Stands in for pyodide.mjs, so that tests can ask the Python of a worker: `python` is a global there.

import { loadPyodide as load } from "./real.mjs";

export const loadPyodide = async (options) => (self.python = await load(options));
