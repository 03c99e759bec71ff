// Puts the questionnaire into a clinic's page, in place of the link that stands there.
// Protocol v1 (docs/embedding.md). Whatever fails, the link stays and works.
(() => {
  "use strict";
  const home = new URL(document.currentScript.src).origin;
  const WIDE = 720, TALLEST = 8000, THEMES = ["light", "dim", "dark"];

  // What covers the top of the window, as a header that stays does.
  const covered = () => {
    const tops = document.elementsFromPoint(innerWidth / 2, 1).flatMap((el) => {
      for (; el; el = el.parentElement)
        if (["fixed", "sticky"].includes(getComputedStyle(el).position)) return el.getBoundingClientRect().bottom;
      return [];
    });
    return Math.max(0, ...tops);
  };

  const place = (block) => {
    const { msClinic: clinic, msMode: mode = "auto", msLang: lang, msTheme: theme } = block.dataset;
    const link = block.querySelector("a");
    if (!link || !/^[a-z0-9-]{2,40}$/.test(clinic) || "msReady" in block.dataset) return;
    block.dataset.msReady = "";
    const address = new URL(`/c/${clinic}`, home);
    if (lang) address.searchParams.set("lang", lang);
    if (theme) address.searchParams.set("theme", theme);
    link.href = address.href;
    // A frame without an origin of its own cannot be spoken with.
    if (mode === "link" || origin === "null" || (mode === "auto" && block.clientWidth < WIDE)) return card(block, link);
    frame(block, link, address);
  };

  const card = (block, link) => {
    block.style.minHeight = "64px";
    Object.assign(link.style, {
      display: "block", boxSizing: "border-box", maxWidth: "32rem", padding: "1rem 1.25rem",
      border: "2px solid", borderRadius: ".5rem", fontWeight: "600", textAlign: "center",
    });
  };

  const frame = (block, link, address) => {
    const id = crypto.getRandomValues(new Uint32Array(3)).join("");
    const least = Math.min(TALLEST, +block.dataset.msMinHeight || 680);
    for (const [name, value] of [["embed", "1"], ["po", origin], ["eid", id]]) address.searchParams.set(name, value);
    const iframe = document.createElement("iframe");
    Object.assign(iframe, { src: address.href, title: link.textContent.trim(), referrerPolicy: "strict-origin" });
    // Hidden and flat until it speaks: what moves in it while it loads is no movement of the clinic's page.
    Object.assign(iframe.style, { position: "absolute", inset: "0 0 auto", width: "100%", height: "1px", border: "0", opacity: "0", colorScheme: "normal", pointerEvents: "none" });
    if (getComputedStyle(block).position === "static") block.style.position = "relative";
    // Not `loading: "lazy"`: WebKit forgets the history of such frames, and Back would lead to the start again.
    new IntersectionObserver(([{ isIntersecting }], observer) => {
      if (isIntersecting) observer.disconnect(), block.append(iframe);
    }, { rootMargin: "1000px" }).observe(block);
    let height = 0, width = 0, told = 0, started = false, done = false;

    const show = () => {
      link.style.display = "none";
      Object.assign(iframe.style, { position: "static", opacity: "1", display: "block", pointerEvents: "" });
    };
    const size = (asked) => {
      if (!(Number.isInteger(asked) && asked > 0 && asked <= TALLEST)) return;
      if (!height) show();
      // A page that shrinks would jump under the reader's eyes; in a column of another width all has moved anyway.
      height = Math.max(least, asked, done || width !== block.clientWidth ? 0 : height);
      // What was told before may have been on its way while the column changed: what comes next counts.
      if (asked !== told) width = block.clientWidth;
      told = asked;
      iframe.style.height = `${height}px`;
    };
    const bring = (y, end) => {
      const header = +block.dataset.msOffset || covered(), top = iframe.getBoundingClientRect().top + y;
      if (top >= header && top < end) return;
      iframe.style.scrollMarginTop = `${header - y}px`;
      iframe.scrollIntoView({ block: "start", behavior: "instant" });
    };
    const tell = (what) => block.dispatchEvent(new CustomEvent(`ms:${what}`, { bubbles: true }));
    const dim = () => {
      const chosen = block.dataset.msTheme;
      if (THEMES.includes(chosen)) iframe.contentWindow?.postMessage({ ms: 1, t: "theme", id, theme: chosen }, home);
    };

    addEventListener("message", ({ origin: from, source, data }) => {
      if (from !== home || source !== iframe.contentWindow || data?.ms !== 1 || data.id !== id) return;
      if (data.t === "size") size(data.h);
      if (data.t === "focus" && Number.isInteger(data.y) && data.y >= 0 && data.y <= TALLEST) bring(data.y, innerHeight - 150);
      if (data.t === "page") {
        dim();
        if (data.why !== "start") bring(0, innerHeight / 2);
        if (data.why === "next" && !started) tell("started"), (started = true);
      }
      if (data.t === "done" && !done) (done = true), tell("submitted");
    });
    new MutationObserver(dim).observe(block, { attributeFilter: ["data-ms-theme"] });
  };

  const placeAll = () => document.querySelectorAll("[data-ms-clinic]").forEach(place);
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", placeAll);
  else placeAll();
})();
