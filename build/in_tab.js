// Boots Pyodide in a page that `bytecode.py` serves, lets in_tab.py compile, hands back the result.
import { loadPyodide } from "./pyodide.mjs";

const read = async (name) => new Uint8Array(await (await fetch(name)).arrayBuffer());
const hand = (name, body) => fetch(name, { method: "POST", body });

async function compile() {
  const python = await loadPyodide({ packages: [] });
  python.unpackArchive(await read("app.zip"), "zip", { extractDir: "/app" });
  python.FS.writeFile("/imports.json", await read("imports.json"));
  python.runPython(new TextDecoder().decode(await read("in_tab.py")));
  await hand("compiled", python.FS.readFile("/compiled.zip"));
}

compile().catch((error) => hand("failed", String(error)));
