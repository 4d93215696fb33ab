"""Models from this computer: picked, picked in parts, dropped."""

from pathlib import Path

import pytest

from browser_tab import Tab
from random_model import TINY, metadata, random_tensors
from tiny_gguf import write_split

# The dialog is the browser's own, and a headless one has none; the handle is a real one.
PICKER = """
self.showOpenFilePicker = async () => {
  const root = await navigator.storage.getDirectory();
  const handle = await root.getFileHandle("mine.gguf", { create: true });
  const file = await handle.createWritable();
  await file.write(await (await fetch("models/tiny.gguf")).arrayBuffer());
  await file.close();
  return [handle];
};
"""

REMEMBERED = "import('./picked.js').then((it) => it.pickedModels()).then(({ length }) => length)"

pytestmark = [pytest.mark.e2e, pytest.mark.gpu]


def test_files_are_picked_in_parts_or_dropped(
    tab: Tab, site: str, models: dict[str, Path], tmp_path: Path
) -> None:
    first = write_split(tmp_path, "split", metadata(TINY), random_tensors(TINY), 2)
    tab.open(f"{site}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.set(temperature=0, max_tokens=8)
    by_url = tab.ask("Hello")
    pick = tab.page.get_by_label("Choose a .gguf file")

    copy = tmp_path / "picked.gguf"
    copy.write_bytes(models["tiny"].read_bytes())
    pick.set_input_files(copy)
    tab.wait_ready("picked")
    picked = ask_anew(tab)
    pick.set_input_files([tmp_path / "split-00002-of-00002.gguf", first])
    tab.wait_ready("split-00001-of-00002")
    split = ask_anew(tab)
    tab.page.evaluate("url => tests.drop(url, 'dropped.gguf')", f"{site}models/tiny.gguf")
    tab.wait_ready("dropped")
    dropped = ask_anew(tab)

    assert picked == split == dropped == by_url["ids"]


def test_a_picked_file_is_loaded_again_after_a_reload(tab: Tab, site: str) -> None:
    tab.page.add_init_script(PICKER)
    tab.open(f"{site}?model=models/none.gguf")
    tab.wait(lambda: "there is no such file" in tab.error, "the engine")
    tab.show_panel()
    tab.page.get_by_text("Choose a .gguf file").click()
    tab.wait_ready("mine")
    tab.wait(lambda: bool(tab.page.evaluate(REMEMBERED)), "the file to be remembered")

    tab.page.reload()
    tab.wait(lambda: "there is no such file" in tab.error, "the engine")
    tab.show_panel()
    tab.page.get_by_role("button", name="All models…").click()
    kept = tab.page.get_by_role("list", name="On this device")
    kept.get_by_text("a file of this computer").wait_for()
    kept.get_by_role("button", name="Load mine").click()

    tab.wait_ready("mine")


def ask_anew(tab: Tab) -> list[int]:
    """Ask the same in a new conversation; return the answer's ids."""
    tab.page.get_by_role("button", name="New chat").click()
    ids: list[int] = tab.ask("Hello")["ids"]
    return ids
