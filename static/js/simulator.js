// The simulator's phone and mailbox: quick texts, Enter, the tab kept in the address, screens renewed after a send.

import { replace, withParameters } from "./address.js";

const simulator = document.getElementById("simulator");

simulator.addEventListener("click", (event) => {
  const quick = event.target.closest("[data-quick]");
  if (!quick) return;
  const form = quick.closest("form") ?? quick.closest("[data-program]").querySelector("form");
  form.elements.body.value = quick.textContent.trim();
  form.requestSubmit();
});

simulator.addEventListener("keydown", (event) => {
  if (!event.target.matches("[data-enter-sends]") || event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  if (event.target.value.trim()) event.target.form.requestSubmit();
});

simulator.addEventListener("change", (event) => {
  if (event.target.matches("[data-sends]") && event.target.files.length) event.target.form.requestSubmit();
  if (event.target.name !== "sim-tab") return;
  replace(withParameters({ tab: event.target.value }));
});

simulator.addEventListener("submit", (event) => {
  const file = event.target.querySelector("[data-sends]");
  if (event.target.matches("[data-simulator-send]") && !event.target.elements.body.value.trim() && !file?.files.length) event.preventDefault();
}, true);

document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target.closest?.("[data-simulator-send]");
  if (form && event.detail.elt === form) {
    if (!event.detail.successful) return;
    form.reset();
    htmx.trigger(simulator, "parley:renew");
  } else if (event.target.closest?.(".behaviour") && event.detail.successful) {
    document.dispatchEvent(new CustomEvent("parley:toast", { detail: { text: "Saved. It holds for the next messages.", level: "success" } }));
  }
});
