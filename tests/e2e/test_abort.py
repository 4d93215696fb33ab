"""An answer that nobody waits for any more must not harm the next one."""

import pytest

from browser_tab import Tab

ROUNDS = 4
# Stop in the page, and ask again in the same turn of its event loop: reads are under way.
STOP_AND_ASK = """async () => {
  document.querySelector("#stop").click();
  document.querySelector("#prompt").value = "And again?";
  document.querySelector("#prompt").dispatchEvent(new Event("input", { bubbles: true }));
  for (let i = 0; i < 500; i++) {
    const send = document.querySelector("#send");
    if (!send.disabled && send.offsetParent !== null) { send.click(); return true; }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return false;
}"""

pytestmark = [pytest.mark.e2e, pytest.mark.gpu]


def test_stopping_and_asking_at_once_again_and_again_keeps_the_model(tab: Tab, site: str) -> None:
    tab.open(f"{site}?model=models/tiny.gguf")
    tab.wait_ready("tiny")
    tab.set(temperature=0, max_tokens=60)  # so that all answers fit the context
    tab.send("Tell me a long story.")

    for _ in range(ROUNDS):
        tab.wait(lambda: len(tab.answer["ids"]) > 1, "some tokens")
        assert tab.page.evaluate(STOP_AND_ASK)
    tab.page.evaluate("document.querySelector('#stop').click()")  # unless it has ended already
    tab.wait(lambda: tab.answer["state"] != "streaming", "the last answer to end")
    tab.set(max_tokens=3)

    assert tab.ask("Still there?")["state"] == "done"
    assert tab.error == ""
