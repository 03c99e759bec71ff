// Says how many requests came since the page was made. The list stays as it is until somebody asks for it anew.
(() => {
  const box = document.getElementById("new-requests");
  const { url } = box.dataset;
  const LOOK = 30;
  let shown = "";
  const look = async () => {
    if (document.hidden || document.getElementById("main").hidden) return;
    try {
      const reply = await fetch(url, { redirect: "manual" });
      if (!reply.ok) return;
      const { count } = await reply.json();
      if (count === shown) return;
      shown = count;
      box.replaceChildren();
      if (!count) return;
      const link = document.createElement("a");
      link.href = box.dataset.page;
      link.textContent = `${count} new ${count === "1" ? "request" : "requests"}: show`;
      box.append(link);
    } catch { /* The network is away: the next look tries again. */ }
  };
  setInterval(look, LOOK * 1000);
  document.addEventListener("visibilitychange", look);
})();
