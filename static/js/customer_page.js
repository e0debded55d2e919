// A customer's page that stays true: its parts come anew when the customer changes, and the timeline is narrowed without a reload. What somebody is typing in is left alone until they are done.

const GATHER = 200; // ms in which several changes become one request
const page = document.querySelector("[data-customer-page]");

// --- narrowing the timeline --------------------------------------------------------------------------------------------

const addressOf = (form) => {
  const query = new URLSearchParams(new FormData(form)).toString();
  return location.pathname + (query && `?${query}`);
};

const show = (url) => htmx.ajax("GET", url, { target: "#timeline", swap: "outerHTML" });

async function narrow(form) {
  const url = addressOf(form);
  await show(url);
  if (url !== location.pathname + location.search) history.pushState({}, "", url);
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

addEventListener("popstate", () => show(location.pathname + location.search));

// --- parts that changed ------------------------------------------------------------------------------------------------

let timer = 0;
let busy = false;
let again = false; // something changed while the last answer was on its way, or while somebody typed

function want() {
  clearTimeout(timer);
  timer = setTimeout(refresh, GATHER);
}

async function refresh() {
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  again = false;
  const asked = location.href;
  try {
    const answer = await fetch(asked, { credentials: "same-origin", redirect: "error" });
    // Another filter was chosen meanwhile: the answer is about what is not shown any more.
    if (asked !== location.href) again = true;
    else if (answer.ok) apply(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    // The next signal, or the next look at the page, brings it.
  }
  busy = false;
  if (again && !isTyping(page)) want();
}

function apply(fresh) {
  for (const part of fresh.querySelectorAll("[data-part]")) {
    const old = document.getElementById(part.id);
    if (!old || said(old) === said(part)) continue;
    if (isTyping(old)) again = true;
    else if (keep(old, part)) swap(old, document.importNode(part, true));
  }
}

// What a part says: its words, what is entered, chosen and current.
function said(part) {
  const copy = part.cloneNode(true);
  for (const passing of copy.querySelectorAll(".saved, time, .event__time, #more-timeline")) passing.remove();
  const marks = [...copy.querySelectorAll("input:not([type=hidden]), option[selected], [aria-current]")];
  const rows = [...copy.querySelectorAll(".event, .task")];
  return [copy.textContent.replace(/\s+/g, ""), ...marks.map((one) => one.getAttribute("value") ?? one.textContent.trim()), ...rows.map((one) => one.id)].join("\n");
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
  if (old.matches(".htmx-request") || old.querySelector(".htmx-request")) {
    // What is being saved in it would answer to nobody: look again when it has been.
    document.body.addEventListener("htmx:afterSettle", want, { once: true });
    return;
  }
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  old.replaceWith(part);
  htmx.process(part);
  if (part.id === "stage-bar") showStage();
  if (focused?.id) document.getElementById(focused.id)?.focus({ preventScroll: true });
  else if (focused?.getAttribute("href")) part.querySelector(`[href="${CSS.escape(focused.getAttribute("href"))}"]`)?.focus({ preventScroll: true });
}

// On a phone the stages go on beyond the edge.
function showStage() {
  const bar = document.querySelector(".stagebar ol");
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
