// Warns before silence signs a person out. Afterwards the page is covered, and what was typed in it stays, until
// the same person has signed in again in another tab.
(() => {
  const box = document.getElementById("idle");
  if (!box) return;
  const { person, seconds } = box.dataset;
  const WARN = 120, LOOK = 5;
  const main = document.getElementById("main");
  const words = box.querySelector("p"), stay = box.querySelector("button"), again = box.querySelector("a");
  let end = Date.now() + seconds * 1000, over = false, asking = false, newest = 0;

  const token = () => document.querySelector("input[name=csrf_token]").value;
  const left = () => (end - Date.now()) / 1000;

  const show = (what) => {
    words.textContent = words.dataset[what];
    stay.hidden = what !== "soon";
    again.hidden = what === "soon";
    main.hidden = what !== "soon";
    if (box.hidden) {
      box.hidden = false;
      (what === "soon" ? stay : again).focus();
    }
  };
  const clear = () => { box.hidden = true; main.hidden = false; };

  // A look waits for the one before it; a click does not, and what was asked before it counts no more.
  const ask = async (method) => {
    if (asking && method === "GET") return;
    const mine = ++newest;
    asking = true;
    try {
      const reply = await fetch("/desk/here", { method, headers: { "X-CSRFToken": token() }, redirect: "manual" });
      const told = reply.ok ? await reply.json() : { person: null };
      if (mine !== newest) return;
      if (!told.person) { over = true; show("over"); return; }
      if (told.person !== person) { over = true; show("other"); return; }
      end = Date.now() + told.seconds * 1000;
      for (const input of document.querySelectorAll("input[name=csrf_token]")) input.value = told.token;
      over = false;
      if (left() > WARN) clear(); else show("soon");
    } catch { /* The network is away: the next look tries again. */ } finally { if (mine === newest) asking = false; }
  };

  stay.addEventListener("click", () => ask("POST"));
  // Another tab may have prolonged the session, so it is asked before anybody is warned.
  setInterval(() => { if (!over && left() <= WARN) ask("GET"); }, LOOK * 1000);
  addEventListener("focus", () => { if (over) ask("GET"); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden && (over || left() <= WARN)) ask("GET"); });
})();
