// Says why the page did not start: a script that the browser does not understand, or that did not come.
// Nothing else is there to say it, and without this the page would be "Starting" for ever.

addEventListener("error", ({ message, target }) => {
  if (window.wgslm || (!message && target.localName !== "script")) return;
  const byId = (id) => document.getElementById(id);
  byId("status").dataset.state = "error";
  byId("status").textContent = "This page could not start";
  byId("error").hidden = false;
  byId("error-text").textContent = `This page could not start: ${message || "one of its scripts did not come"}.`;
  byId("error-hint").textContent = "Load it again; if that does not help, update the browser.";
}, true); // the events of scripts that do not come are heard on their way down only
