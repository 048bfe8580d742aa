// Moves the token of a sign-in link from behind the # into the form, and out of the address bar. Sends it where nobody is signed in.
"use strict";

function signIn() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token) return;
  history.replaceState(null, "", location.pathname + location.search);
  const form = document.querySelector("[data-sign-in]");
  form.elements.token.value = token;
  if (form.dataset.signIn === "ask") form.querySelector("button").focus();
  else form.requestSubmit();
}

signIn();
addEventListener("hashchange", signIn);
