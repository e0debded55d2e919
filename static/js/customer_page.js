// A customer's page that stays true: its parts come anew when the customer changes, and the timeline is narrowed without a reload. What somebody is typing in is left alone until they are done.

import { here, onReturn, push } from "./address.js";
import { fetchPage, gather, isSaving, onceSaved, put, says } from "./patch.js";

const GATHER = 200; // ms in which several changes become one request
const page = document.querySelector("[data-customer-page]");

// --- narrowing the timeline --------------------------------------------------------------------------------------------

const show = (url) => htmx.ajax("GET", url, { target: "#timeline", swap: "outerHTML" });

async function narrow(form) {
  const query = new URLSearchParams(new FormData(form)).toString();
  const url = location.pathname + (query && `?${query}`);
  await show(url);
  push(url);
}

document.addEventListener("change", (event) => {
  const form = event.target.closest(".tfilters");
  if (form) narrow(form);
});

document.addEventListener("submit", (event) => {
  const form = event.target.closest(".tfilters");
  if (!form) return;
  event.preventDefault();
  narrow(form);
});

onReturn(() => show(here()));

// --- parts that changed ------------------------------------------------------------------------------------------------

let again = false; // something changed while somebody typed
const want = gather(GATHER, refresh);

async function refresh() {
  again = false;
  const asked = here();
  const fresh = await fetchPage(asked);
  // Another filter was chosen meanwhile: the answer is about what is not shown any more.
  if (asked !== here()) again = true;
  else if (fresh) apply(fresh);
  if (again && !isTyping(page)) want();
}

const said = (part) => says(part, { passing: ".saved, time, .event__time, #more-timeline", rows: ".event, .task" });

function apply(fresh) {
  for (const part of fresh.querySelectorAll("[data-part]")) {
    const old = document.getElementById(part.id);
    if (!old || said(old) === said(part)) continue;
    if (isTyping(old)) again = true;
    else if (keep(old, part)) swap(old, part);
  }
}

function isTyping(part) {
  const isAt = (field) => field === document.activeElement && !["checkbox", "radio"].includes(field.type);
  const isChanged = (field) => (field.type === "file" ? field.files.length > 0 : field.value !== field.defaultValue);
  return Boolean(part.querySelector("details[open], [data-writing] :checked")) || [...part.querySelectorAll("input:not([type=hidden], [type=checkbox], [type=radio]), textarea, select")].some((field) => isAt(field) || (field.tagName !== "SELECT" && isChanged(field)));
}

// What is on the page and not in the answer, but should stay: a task that has just been done, and the older rows that were loaded.
function keep(old, part) {
  const done = [...old.querySelectorAll(".task.is-done")].filter((row) => !part.querySelector(`#${row.id}`));
  const tasks = part.querySelector(".tasks");
  if (done.length && !tasks) return false;
  tasks?.append(...done.map((row) => part.ownerDocument.importNode(row, true)));
  const more = part.querySelector("#more-timeline");
  const last = [...part.querySelectorAll(".event")].at(-1);
  let row = more && last && old.querySelector(`#${last.id}`)?.nextElementSibling;
  if (!row || row.id === "more-timeline") return true;
  const older = [];
  for (; row; row = row.nextElementSibling) older.push(part.ownerDocument.importNode(row, true));
  more.replaceWith(...older);
  return said(old) !== said(part);
}

function swap(old, part) {
  if (isSaving(old)) {
    onceSaved(want);
    return;
  }
  put(old, part);
  if (part.id === "stage-bar") showStage();
}

// On a phone the stages go on beyond the edge.
function showStage() {
  const bar = document.querySelector(".stage-bar ol");
  const step = bar?.querySelector(".is-current");
  if (step) bar.scrollLeft += step.getBoundingClientRect().left - bar.getBoundingClientRect().left - (bar.clientWidth - step.clientWidth) / 2;
}

showStage();
document.body.addEventListener("customer-changed", want);
document.addEventListener("parley:customers", (event) => {
  const { ids, all } = event.detail;
  if (all || ids.includes(page.dataset.customerPage)) want();
});
// What was held back while somebody typed.
page.addEventListener("focusout", () => again && want());
