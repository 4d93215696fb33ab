"""The page opens without a network, and changes only when its person says so."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from browser_tab import Tab
from idle import slowdown
from served import Served, serve
from setup_modules import load
from site_copy import SiteCopy
from stored import QUIET

KEPT = """async () => {
  const names = (await caches.keys()).filter((name) => name !== "wgslm-snapshot");
  let [files, nbytes] = [0, 0];
  for (const cache of await Promise.all(names.map((name) => caches.open(name)))) {
    for (const response of await cache.matchAll()) {
      files += 1;
      nbytes += (await response.blob()).size;
    }
  }
  return { caches: names.length, files, nbytes };
}"""
FETCH = "async (path) => (await fetch(path)).status"
NOT_KEPT = ("service-worker.js", "wgslm.html")  # the browser keeps the one; the other is a file
CHECK = "navigator.serviceWorker.getRegistration().then((found) => found.update()).then(() => null)"
ICONS = """fetch("./manifest.webmanifest").then((answer) => answer.json())
  .then(({ icons }) => icons.map(({ src }) => src))"""
PAPER = "getComputedStyle(document.body).getPropertyValue('--tested')"

pytestmark = [pytest.mark.e2e, pytest.mark.gpu, pytest.mark.long]


@pytest.fixture
def copy(dist: Path, models: dict[str, Path], tmp_path: Path) -> SiteCopy:
    """A site of this test's own."""
    return SiteCopy(tmp_path / "site", dist, models["tiny"])


@pytest.fixture
def server(copy: SiteCopy) -> Iterator[tuple[Served, ExitStack]]:
    """The site, and what stops it."""
    with ExitStack() as stack:
        yield stack.enter_context(serve(copy.folder, {})), stack


@pytest.fixture
def quiet(tab: Tab) -> Tab:
    """A tab whose engine does not start: these tests need none."""
    tab.page.add_init_script(QUIET)
    return tab


def visit(tab: Tab, url: str) -> None:
    """Open the page and wait until all of it is kept, which usually begins after its model."""
    tab.open(url)
    tab.page.evaluate("wgslm.offline.start()")
    tab.wait(lambda: tab.page.evaluate("wgslm.offline.state") == "ready", "the files to be kept")
    tab.wait(lambda: bool(tab.page.evaluate("!!navigator.serviceWorker.controller")), "control")


def models(tab: Tab) -> list[dict[str, int]]:
    """Return what the engine keeps."""
    told = tab.page.evaluate("wgslm.api.fetch('/wgslm/models').then((answer) => answer.json())")
    found: list[dict[str, int]] = told["models"]
    return found


def test_page_starts_and_answers_after_its_server_has_stopped(
    tab: Tab, copy: SiteCopy, server: tuple[Served, ExitStack]
) -> None:
    served, stack = server
    visit(tab, served.url)
    tab.wait_ready("tiny")
    tab.set(temperature=0, max_tokens=8)
    answer = tab.ask("Hello")["content"]
    kept = tab.page.evaluate(KEPT)
    files = [path for path in copy.folder.rglob("*") if path.is_file()]
    [model] = [path for path in files if path.suffix == ".gguf"]
    files.remove(model)  # the engine keeps it, and nobody else
    sizes = [path.stat().st_size for path in files if path.name not in NOT_KEPT]
    assert kept == {"caches": 1, "files": len(sizes), "nbytes": sum(sizes)}
    tab.wait(lambda: [one["kept"] for one in models(tab)] == [model.stat().st_size], "the model")

    served.asked.clear()
    tab.page.reload()
    tab.wait_ready("tiny")
    assert [path for path, _, _ in served.asked if path.startswith("/models/")] == []
    stack.close()
    before, begun = slowdown(), time.perf_counter()
    tab.page.reload()
    tab.wait_ready("tiny")
    seconds = time.perf_counter() - begun
    factor = (before + slowdown()) / 2
    print(f"\n{kept['nbytes']:,} bytes in {kept['files']} files")
    print(
        f"{seconds:.1f} s without a server, while all took {factor:.1f} times as long as it should"
    )

    tab.page.locator("#new-chat").click()
    tab.set(temperature=0, max_tokens=8)
    assert tab.ask("Hello")["content"] == answer
    tab.page.context.set_offline(True)
    tab.open(f"{served.url}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    assert "opens without a network" in tab.page.locator("#offline-note").inner_text()


def test_only_the_sites_own_files_are_answered(
    quiet: Tab, server: tuple[Served, ExitStack], copy: SiteCopy
) -> None:
    served, _ = server
    visit(quiet, served.url)
    (copy.folder / "later.txt").write_text("not in the list")
    served.asked.clear()

    assert quiet.page.evaluate(FETCH, "style.css") == 200
    assert served.asked == []

    others = ["later.txt", "style.css?x", "models/tiny.gguf"]
    assert [quiet.page.evaluate(FETCH, path) for path in others] == [200, 200, 200]
    assert [path for path, _, _ in served.asked] == [f"/{path}" for path in others]


def test_a_new_version_waits_until_somebody_reloads(
    quiet: Tab, copy: SiteCopy, server: tuple[Served, ExitStack], request: pytest.FixtureRequest
) -> None:
    served, _ = server
    visit(quiet, served.url)
    quiet.page.evaluate("window.isSame = true")
    style = (copy.folder / "style.css").read_bytes()
    copy.publish({"style.css": style + b"body { --tested: yes; }\n"})
    served.asked.clear()

    quiet.page.evaluate(CHECK)
    notice = quiet.page.get_by_role("region", name="A new version")
    quiet.wait(notice.is_visible, "the notice")

    fetched = {path for path, _, status in served.asked if status == 200}
    assert fetched == {"/service-worker.js", "/style.css"}  # what is the same is not sent again
    if folder := request.config.getoption("--screenshots"):
        quiet.page.screenshot(path=Path(folder) / "update.png")
    quiet.page.wait_for_timeout(1000)
    assert quiet.page.evaluate("window.isSame") and not quiet.page.evaluate(PAPER)
    assert len(quiet.page.evaluate("caches.keys()")) == 2
    with quiet.page.expect_navigation():
        notice.get_by_role("button", name="Reload").click()

    quiet.wait(lambda: quiet.page.evaluate(PAPER) == "yes", "the new version")
    assert not quiet.page.evaluate("window.isSame")
    assert len(quiet.page.evaluate("caches.keys()")) == 1
    expect(notice).to_be_hidden()


def test_a_version_with_a_wrong_file_is_refused_and_the_old_one_stays(
    quiet: Tab, copy: SiteCopy, server: tuple[Served, ExitStack]
) -> None:
    served, stack = server
    visit(quiet, served.url)
    style = (copy.folder / "style.css").read_bytes()
    copy.publish({"style.css": style + b"body { --tested: yes; }\n"}, in_list=False)

    quiet.page.evaluate(CHECK)
    quiet.wait(lambda: quiet.page.evaluate("wgslm.offline.state") == "refused", "the refusal")

    quiet.show_panel()
    note = quiet.page.locator("#offline-note").inner_text()
    assert "style.css is not the file that this version has" in note
    stack.close()
    quiet.page.reload()
    quiet.wait(lambda: bool(quiet.page.evaluate("!!window.wgslm")), "the page to start")
    assert not quiet.page.evaluate(PAPER)
    assert len(quiet.page.evaluate("caches.keys()")) == 1
    assert quiet.page.get_by_role("region", name="A new version").is_hidden()


def test_page_can_be_installed(chromium: Browser, site: str, tmp_path: Path) -> None:
    machine = load("machine")
    path, flags = machine.ensure_browser(), machine.browser_flags(None)
    kind = chromium.browser_type  # a context of its own counts as private, where nothing installs
    with kind.launch_persistent_context(tmp_path, executable_path=path, args=flags) as visitor:
        page = visitor.new_page()
        page.goto(f"{site}?model=models/tiny.gguf")
        client = visitor.new_cdp_session(page)

        manifest = client.send("Page.getAppManifest")
        problems = client.send("Page.getInstallabilityErrors")

        assert manifest["url"].endswith("/manifest.webmanifest")
        assert manifest["errors"] == []
        assert problems["installabilityErrors"] == []
        icons = page.evaluate(ICONS)
        assert [page.evaluate(FETCH, icon) for icon in icons] == [200, 200, 200]
