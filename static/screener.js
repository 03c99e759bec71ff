// Comfort on the patient's pages. All of it works without: the server checks the same and says so in words.
(() => {
  "use strict";
  const form = document.querySelector("main form");

  // An error is read out and reached first.
  document.getElementById("problems")?.focus({ preventScroll: false });

  // Back to a page that showed an error opens the page again, not the browser's "Confirm Form Resubmission".
  if (form?.id === "answers") history.replaceState(null, "", location.href);

  // "None of these" and "Not sure" stand alone: ticking one unticks the others, and the other way round.
  const isAlone = (box) => box.value === "none" || box.value === "unsure";
  document.addEventListener("change", ({ target }) => {
    if (target.type !== "checkbox" || !target.checked) return;
    const typed = document.getElementById(target.name);
    if (typed && typed !== target) typed.value = "";
    for (const box of document.getElementsByName(target.name)) {
      if (box.type === "checkbox" && box !== target && (isAlone(box) || isAlone(target))) box.checked = false;
    }
  });
  document.addEventListener("input", ({ target }) => {
    if (target.type === "checkbox" || target.type === "radio" || !target.value) return;
    for (const box of document.getElementsByName(target.name)) {
      if (box.value === "unsure") box.checked = false;
    }
  });

  // Typed words are not thrown away by a slip: the browser asks first. Ticks are quickly made again.
  let typedWords = false;
  form?.addEventListener("input", ({ target }) => {
    typedWords ||= target.matches("textarea, input[autocomplete]:not(.number)");
  });
  addEventListener("submit", () => { typedWords = false; });
  addEventListener("beforeunload", (event) => { if (typedWords) event.preventDefault(); });

  // Back shows what holds now, not what the browser remembers: a sent form may still hold a name.
  addEventListener("pageshow", ({ persisted }) => {
    typedWords &&= !persisted;
    if (persisted) location.reload();
  });
})();
