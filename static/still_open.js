// Tells the clinic's others that this request is open here, as long as it is in view.
(() => {
  const { url } = document.getElementById("still-open").dataset;
  const RENEW = 120;
  const tell = async () => {
    if (document.hidden || document.getElementById("main").hidden) return;
    const token = document.querySelector("input[name=csrf_token]").value;
    try {
      await fetch(url, { method: "POST", headers: { "X-CSRFToken": token }, redirect: "manual" });
    } catch { /* The network is away: the lease lapses by itself. */ }
  };
  setInterval(tell, RENEW * 1000);
})();
