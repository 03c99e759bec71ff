// The preview follows what is typed, as the button does by hand. Written into the frame, it adds nothing to Back.
{
  const form = document.getElementById("look");
  const frame = document.getElementById("preview");
  const address = document.querySelector("[formtarget=preview]").formAction;
  let waiting = 0;
  let newest = 0;
  const show = async () => {
    const mine = ++newest;
    const answer = await fetch(address, { method: "POST", body: new FormData(form) }).catch(() => null);
    // Signed out meanwhile, or away: what was shown stays.
    if (!answer || answer.redirected || mine !== newest || !frame.contentDocument) return;
    const page = await answer.text();
    if (mine !== newest) return;
    const inside = frame.contentDocument;
    inside.open();
    inside.write(page);
    inside.close();
  };
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(show, 400);
  });
  for (const choice of document.querySelectorAll("select[form=look]"))
    choice.addEventListener("change", show);
}
