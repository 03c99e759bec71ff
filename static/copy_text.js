// Copies the text that a button names; without script it can be selected by hand.
"use strict";
for (const button of document.querySelectorAll("[data-copies]")) {
  const text = document.getElementById(button.dataset.copies);
  const told = button.nextElementSibling;
  button.hidden = false;
  button.addEventListener("click", async () => {
    text.select();
    try {
      await navigator.clipboard.writeText(text.value);
      told.textContent = "Copied.";
    } catch {
      told.textContent = "Your browser did not copy it. The text is selected: press Ctrl and C.";
    }
  });
}
