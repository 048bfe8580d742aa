// Work by keyboard: single keys lead and choose, digits choose in a list, typing narrows one, and the time that is left counts down.
"use strict";

const SETTING = "tallystick.single-keys";
const judged = document.querySelector("form[data-keys]");
const help = document.querySelector("dialog");
const typedIn = "textarea, select, input:not([type=radio]):not([type=checkbox])";
const seen = (element) => element.checkVisibility();
const radios = (list) => [...list.querySelectorAll("input[type=radio]")].filter(seen);
const on = () => localStorage.getItem(SETTING) !== "off";

function enter(step) {
  const choices = radios(step);
  (step.querySelector("[type=search]") ?? choices.find((each) => each.checked) ?? choices[0])?.focus();
}

function record(then) {
  judged.requestSubmit(judged.querySelector(then));
}

// To the next list that is to be filled in; past the last one, to the button.
function goOn(from) {
  const steps = [...judged.querySelectorAll("[data-step]")].filter(seen);
  const later = steps.filter((each) => from.compareDocumentPosition(each) & Node.DOCUMENT_POSITION_FOLLOWING);
  const next = later.find((each) => each.dataset.step === "ask" || !each.querySelector(":checked"));
  if (next) enter(next);
  else judged.querySelector("[data-record]").focus();
}

function choose(radio, list) {
  if (!radio) return;
  radio.checked = true;
  radio.dispatchEvent(new Event("change", { bubbles: true }));
  goOn(list);
}

function press(element) {
  const folded = element.closest("details:not([open])");
  if (folded) folded.open = true;
  if (element.matches("details")) element.querySelector("input:not([type=hidden]), textarea, select").focus();
  else if (element.matches("fieldset")) enter(element);
  else if (element.matches("[type=radio]")) choose(element, element.closest("fieldset"));
  else if (element.matches("button, a")) element.click();
  else element.focus();
}

function narrowed(list) {
  const label = document.createElement("label");
  const field = document.createElement("input");
  const words = document.createElement("span");
  words.className = "unseen";
  words.textContent = list.dataset.narrow;
  field.type = "search";
  field.autocomplete = "off";
  field.placeholder = "type to narrow";
  label.append(words, field);
  list.querySelector("legend").after(label);
  const narrow = () => {
    const wanted = field.value.trim().toLowerCase().split(/\s+/);
    for (const each of list.querySelectorAll(".options label")) {
      const text = each.textContent.toLowerCase();
      each.hidden = !wanted.every((word) => text.includes(word));
    }
  };
  field.addEventListener("input", narrow);
  field.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") radios(list)[0]?.focus();
    else if (event.key === "Enter" && !event.ctrlKey && !event.shiftKey) {
      if (field.value.trim()) choose(radios(list)[0], list);
      else goOn(list);
    } else return;
    event.preventDefault();
  });
}

function counted(place) {
  const said = document.querySelector("[data-left-said]");
  const end = performance.now() + Number(place.dataset.left) * 1000;
  let minutes = null;
  const show = () => {
    const left = Math.max(0, Math.ceil((end - performance.now()) / 60000));
    if (left === minutes) return;
    const first = minutes === null;
    minutes = left;
    place.textContent = left ? `Yours for ${left} ${left === 1 ? "minute" : "minutes"}` : "Your time for it is over";
    place.classList.toggle("bad", left < 5);
    if (!first && (left === 5 || left === 1 || left === 0)) said.textContent = place.textContent;
  };
  show();
  setInterval(show, 1000);
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.altKey || event.metaKey || help?.open) return;
  const at = event.target;
  const typing = at.matches?.(typedIn);
  if (event.key === "Escape" && typing) return document.querySelector("[data-first]")?.focus();
  if (judged && event.key === "Enter") {
    const inside = judged.contains(at);
    const list = at.closest?.("fieldset");
    if (event.ctrlKey) record("[data-record]");
    else if (event.shiftKey && !typing) record("[data-stop]");
    else if (inside && list && at.matches("[type=radio]")) goOn(list);
    else if (at === document.body || at.matches("[data-first]")) record("[data-record]");
    else return;
    event.preventDefault();
    return;
  }
  if (typing || event.ctrlKey || !on()) return;
  const list = at.closest?.("fieldset[data-step]");
  if (list && /^[1-9]$/.test(event.key)) {
    choose(radios(list)[Number(event.key) - 1], list);
    return event.preventDefault();
  }
  const target = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!target || !(seen(target) || target.closest("details:not([open])"))) return;
  event.preventDefault();
  press(target);
});

judged?.addEventListener("change", ({ target }) => {
  for (const name of ["error_class", "severity"]) {
    if (!target.dataset[name]) continue;
    const told = judged.querySelector(`[name=${name}][value=${CSS.escape(target.dataset[name])}]`);
    if (told) told.checked = true;
  }
});

document.querySelectorAll("[data-narrow]").forEach(narrowed);
document.querySelectorAll("[data-left]").forEach(counted);
document.querySelector("[data-help]")?.addEventListener("click", () => help.showModal());
document.querySelectorAll("[data-single]").forEach((box) => {
  box.checked = on();
  box.addEventListener("change", () => localStorage.setItem(SETTING, box.checked ? "on" : "off"));
});
if (!location.hash) {
  const first = document.querySelector("form .refusal") ?? document.querySelector("[data-first]");
  if (first) {
    first.tabIndex = -1;
    first.focus();
  }
}
