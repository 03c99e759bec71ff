// Comfort on the page that confirms a history. All of it works without: the server judges marks and answers alike.
(() => {
  "use strict";
  const form = document.getElementById("confirm");
  if (!form) return;
  form.classList.add("scripted");

  const line = (el) => el.closest(".said-line");
  const mark = (of, value) => of.querySelector(`.marks input[value="${value}"]`);
  const fields = (of) => of.querySelectorAll(".correction input, .correction textarea");

  // As the page was opened: another mark takes an answer back that was only tried.
  const setBack = (of) => {
    for (const field of fields(of)) {
      field.checked = field.defaultChecked;
      if (!["radio", "checkbox"].includes(field.type)) field.value = field.defaultValue;
    }
  };

  form.addEventListener("input", ({ target }) => {
    const of = line(target);
    if (!of) return;
    if (!target.closest(".marks")) mark(of, "corrected").checked = true;
    else if (target.value === "corrected") of.querySelector(".correction").open = true;
    else setBack(of);
  });
})();
