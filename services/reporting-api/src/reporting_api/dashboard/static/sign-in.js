// Moves the token of a sign-in link from behind the # into the form, and out of the address bar.
"use strict";

function signIn() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token) return;
  history.replaceState(null, "", location.pathname + location.search);
  const form = document.querySelector("[data-sign-in]");
  form.elements.token.value = token;
  form.requestSubmit();
}

signIn();
addEventListener("hashchange", signIn);
