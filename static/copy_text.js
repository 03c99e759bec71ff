// Copies the text of the page; without script the text can be selected by hand.
"use strict";
const button = document.getElementById("copy");
const text = document.getElementById("note");
const told = document.getElementById("copied");
button.hidden = false;
button.addEventListener("click", async () => {
  text.select();
  try {
    await navigator.clipboard.writeText(text.value);
    told.textContent = button.dataset.done;
  } catch {
    told.textContent = button.dataset.failed;
  }
});
