// Inside a clinic's page: tells it how tall this page is and that it changed, and nothing else.
(() => {
  "use strict";
  const { po, eid, why } = document.currentScript.dataset;
  if (parent === window) return;
  const say = (t, more) => parent.postMessage({ ms: 1, t, id: eid, ...more }, po);
  const size = () => say("size", { h: Math.min(8000, Math.ceil(document.body.getBoundingClientRect().height)) });

  new ResizeObserver(size).observe(document.body);
  size();
  say("page", { why: document.getElementById("problems") ? "error" : why });
  if (why === "done") say("done");

  // Focus moves to the new page's heading, but not on the first one: the clinic's page keeps it.
  if (why !== "start" && !document.getElementById("problems")) {
    const heading = document.querySelector("h1");
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  }
  addEventListener("message", ({ origin, source, data }) => {
    if (origin !== po || source !== parent || data?.ms !== 1 || data.id !== eid || data.t !== "theme") return;
    if (["light", "dim", "dark"].includes(data.theme)) document.documentElement.dataset.theme = data.theme;
  });
})();
