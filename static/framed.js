// Inside a clinic's page: tells it how tall this page is and that it changed, and nothing else.
(() => {
  "use strict";
  const { po, eid, why } = document.currentScript.dataset;
  if (parent === window) return;
  const say = (t, more) => parent.postMessage({ ms: 1, t, id: eid, ...more }, po);
  const size = () => say("size", { h: Math.min(8000, Math.ceil(document.documentElement.getBoundingClientRect().height)) });

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

  // The keyboard may reach what the clinic's window does not show, and not every browser scrolls another site's page.
  // Said only then, and in steps of 100 px: which option it is, is nobody's to know there.
  const shows = (target) => new IntersectionObserver(([{ intersectionRect: shown }], observer) => {
    observer.disconnect();
    const { top, bottom } = target.getBoundingClientRect(), middle = (top + bottom) / 2;
    if (middle < shown.top || middle > shown.bottom) say("focus", { y: Math.max(0, Math.floor(top / 100) * 100) });
  }).observe(document.body);
  // What a hand reaches is in view; what it is told of that may be late.
  let pointed = null;
  addEventListener("pointerdown", ({ target }) => { pointed = target.closest("label")?.control ?? target; });
  addEventListener("keydown", () => { pointed = null; });
  addEventListener("focusin", ({ target }) => {
    if (target.contains(pointed) || !target.matches("a, button, input, select, summary, textarea")) return;
    // Most browsers do scroll by themselves; they get the time for it.
    setTimeout(() => document.activeElement === target && shows(target), 100);
  });

  addEventListener("message", ({ origin, source, data }) => {
    if (origin !== po || source !== parent || data?.ms !== 1 || data.id !== eid || data.t !== "theme") return;
    if (["light", "dim", "dark"].includes(data.theme)) document.documentElement.dataset.theme = data.theme;
  });
})();
