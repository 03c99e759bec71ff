// Single keys for the queue. The page loads this only for who switched it on.
(() => {
  const main = document.getElementById("main"), help = document.getElementById("shortcuts");
  const links = [...document.querySelectorAll(".queue th[scope=row] a")];
  const at = () => links.indexOf(document.activeElement);

  const step = (by) => {
    const next = at() < 0 ? (by > 0 ? 0 : links.length - 1) : at() + by;
    links[Math.max(0, Math.min(links.length - 1, next))]?.focus();
  };
  const takeOne = () => {
    const box = links[at()]?.closest("tr").querySelector(".pick input");
    if (!box) return;
    for (const other of document.querySelectorAll(".pick input")) other.checked = other === box;
    box.form.elements.owner.value = "me";
    box.form.requestSubmit();
  };
  const keys = {
    j: () => step(1),
    k: () => step(-1),
    a: takeOne,
    "/": () => document.getElementById("q").focus(),
    "?": () => { help.open = !help.open; if (help.open) help.querySelector("summary").focus(); },
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || main.hidden) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    if (!Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });
})();
