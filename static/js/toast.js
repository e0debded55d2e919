// Short messages at the foot of the page, and the line that shows a request under way.
// Anybody may say: document.dispatchEvent(new CustomEvent("parley:toast", {detail: {text, level}})); a server says it by HX-Trigger.
// With `undo`, an address that takes a POST, there is a button; its answer takes the place of `target`, a selector. A script may give a function.

const SHOWN_FOR = 6000;
const place = document.getElementById("toasts");
const template = document.getElementById("toast-template");
let busy = 0;

function arm(toast) {
  // What went wrong stays until it is read.
  if (!toast.classList.contains("toast--error")) setTimeout(() => toast.matches(":hover, :focus-within") ? arm(toast) : toast.remove(), SHOWN_FOR);
}

function say({ text, level = "info", undo = "", target = "" }) {
  if (!text) return;
  for (const old of place.querySelectorAll("[data-toast]")) if (old.querySelector("[data-toast-text], span")?.textContent.trim() === text) old.remove();
  const toast = template.content.firstElementChild.cloneNode(true);
  toast.classList.toggle("toast--error", level === "error");
  toast.querySelector("[data-toast-text]").textContent = text;
  const button = toast.querySelector("[data-toast-undo]");
  if (undo) button.addEventListener("click", () => takeBack(toast, undo, target));
  else button.remove();
  place.append(toast);
  arm(toast);
}

function takeBack(toast, undo, target) {
  toast.remove();
  if (typeof undo === "function") return undo();
  const there = target && document.querySelector(target);
  htmx.ajax("POST", undo, there ? { target: there, swap: "outerHTML" } : { target: document.body, swap: "none" });
}

for (const toast of place.querySelectorAll("[data-toast]")) arm(toast);

place.addEventListener("click", (event) => {
  if (event.target.closest("[data-toast-close]")) event.target.closest("[data-toast]").remove();
});

document.addEventListener("parley:toast", (event) => say(event.detail));

document.addEventListener("htmx:responseError", (event) => {
  const status = event.detail.xhr.status;
  if (status === 401) location.reload();
  else if (status === 403) say({ text: "Your role does not allow this.", level: "error" });
  else if (status === 404) say({ text: "This is no longer here. It may have been deleted.", level: "error" });
  else if (status === 429) say({ text: "Too many tries. Wait a moment.", level: "error" });
  else say({ text: "That did not work, the fault is ours. Try again in a moment.", level: "error" });
});
document.addEventListener("htmx:sendError", () => say({ text: "No connection. Nothing was lost; try again when you are back online.", level: "error" }));
document.addEventListener("htmx:timeout", () => say({ text: "The server took too long to answer. Look whether it was done before you try again.", level: "error" }));

function progress(change) {
  busy = Math.max(0, busy + change);
  document.getElementById("progress")?.classList.toggle("is-busy", busy > 0);
}
document.addEventListener("htmx:beforeRequest", () => progress(1));
document.addEventListener("htmx:afterRequest", () => progress(-1));
