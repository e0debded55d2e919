// The tasks' pages: a choice that shows itself at once, counts that stay true, and a list that changes when others do something.

import { here } from "./address.js";
import { fetchPage, gather, isSaving, put, words } from "./patch.js";

const GATHER = 400; // ms in which several changes become one request

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});

// A link that opens a dialog is a button to who uses the keyboard: Space presses it too.
document.addEventListener("keydown", (event) => {
  if (event.key !== " " || !event.target.matches?.("a[role=button]")) return;
  event.preventDefault();
  event.target.click();
});

document.addEventListener("focusin", (event) => event.target.closest("#quick-task")?.classList.add("is-open"));

// --- what changed ------------------------------------------------------------------------------------------------------

const want = gather(GATHER, refresh);

async function refresh() {
  const asked = here();
  const fresh = await fetchPage(asked);
  if (fresh && asked === here()) apply(fresh);
}

function apply(fresh) {
  for (const id of ["task-tabs", "task-groups"]) {
    const old = document.getElementById(id);
    const part = fresh.getElementById(id);
    if (!old || !part || words(old) === words(part) || isSaving(old)) continue;
    if (id === "task-groups" && !fits(old, part)) continue;
    put(old, part);
  }
}

// What was just done stays where it was until the page is opened anew, and older rows that were loaded are not taken away.
function fits(old, part) {
  const rows = (list) => list.querySelectorAll(".task").length;
  return !old.querySelector(".task.is-done") && rows(old) <= rows(part) + 5;
}

// --- logging from a list -----------------------------------------------------------------------------------------------

document.body.addEventListener("htmx:afterSwap", (event) => {
  const dialog = document.getElementById("log-dialog");
  if (event.target.id !== "log-here" || !dialog || dialog.open) return;
  dialog.showModal();
  document.getElementById("entry-content")?.focus();
});

document.body.addEventListener("entry-logged", () => {
  document.getElementById("log-dialog")?.close();
  want();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close-dialog]")) event.target.closest("dialog")?.close();
});

if (document.getElementById("task-groups")) {
  document.body.addEventListener("task-changed", () => htmx.ajax("GET", here(), { target: "#task-tabs", swap: "outerHTML" }));
  document.addEventListener("parley:customers", want);
}
