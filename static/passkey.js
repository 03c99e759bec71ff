// Asks the browser for a passkey as soon as the page that wants one is there.
(() => {
  const form = document.querySelector("form[data-passkey]");
  if (!form) return;
  const handle = form.dataset.passkey === "register" ? handleRegister : handleSignin;
  handle(form.dataset.options).then(({ credential }) => {
    if (credential) {
      form.elements.credential.value = credential;
      form.submit();
    } else {
      document.getElementById("passkey-problem").hidden = false;
    }
  });
})();
