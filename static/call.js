// By telephone: a number key picks the answer of that number. Without it, they are picked as on any page.
(() => {
  "use strict";
  const typed = "textarea, select, input:not([type]), input[type=text], input[type=tel], input[type=email]";
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || !/^[0-9]$/.test(event.key)) return;
    if (event.target.matches(typed)) return;
    const group = event.target.closest("fieldset") || document.querySelector("main fieldset");
    if (!group) return;
    const options = [...group.querySelectorAll(".option input")];
    const option = group.querySelector(".scale")
      ? options.find((one) => one.value === event.key)
      : options[(Number(event.key) || 10) - 1];
    if (!option) return;
    event.preventDefault();
    option.focus();
    option.click();
  });
})();
