// The tasks' pages: a choice that shows itself at once, counts that stay true, and a list that changes when others do something.

const GATHER = 400; // ms in which several changes become one request
let timer = 0;
let busy = false;

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

function want() {
  clearTimeout(timer);
  timer = setTimeout(refresh, GATHER);
}

async function refresh() {
  if (busy) return want();
  busy = true;
  const asked = location.href;
  try {
    const answer = await fetch(asked, { credentials: "same-origin", redirect: "error" });
    if (answer.ok && asked === location.href) apply(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    // The next signal, or the next look at the page, brings it.
  }
  busy = false;
}

function apply(fresh) {
  for (const id of ["task-tabs", "task-groups"]) {
    const old = document.getElementById(id);
    const part = fresh.getElementById(id);
    if (!old || !part || old.textContent.replace(/\s+/g, "") === part.textContent.replace(/\s+/g, "")) continue;
    if (old.querySelector(".htmx-request") || old.matches(".htmx-request")) continue;
    if (id === "task-groups" && !fits(old, part)) continue;
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    const node = document.importNode(part, true);
    old.replaceWith(node);
    htmx.process(node);
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
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
  document.body.addEventListener("task-changed", () => htmx.ajax("GET", location.href, { target: "#task-tabs", swap: "outerHTML" }));
  document.addEventListener("parley:customers", want);
}
