// A customer beside the list or the board: the place in the list stays, the address says who is open, back and Escape close it.

import * as address from "./address.js";

const panel = document.getElementById("side-panel");
const records = document.getElementById("records");
const narrow = matchMedia("(width <= 48rem)");
// A list's rows, or a board's cards.
const ROWS = ":is(#customer-rows, #board) [data-customer]";
const links = () => [...document.querySelectorAll(`${ROWS} a[data-panel]`)];
const idOf = (link) => link.closest("[data-customer]").dataset.customer;
const asked = () => address.parameter("open");
const addressOf = (id) => address.withParameters({ open: id });

let shown = "";
let loading = 0;

function mark() {
  for (const row of document.querySelectorAll(ROWS)) row.classList.toggle("is-open", row.dataset.customer === shown);
  for (const link of links()) {
    if (shown && idOf(link) === shown) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  // On a phone the panel is all there is.
  const covers = Boolean(shown) && narrow.matches;
  records.inert = covers;
  for (const rail of document.querySelectorAll(".rail")) rail.inert = covers;
}

async function show(id, focus) {
  shown = id;
  panel.hidden = false;
  mark();
  const turn = ++loading;
  const url = `${panel.dataset.url}${id}/panel/`;
  const answer = await fetch(url, { headers: { "HX-Request": "true" }, credentials: "same-origin" }).catch(() => null);
  if (turn !== loading) return; // another one was asked for meanwhile
  if (!answer?.ok) {
    tell(answer?.status === 404 ? "This customer is no longer here, or not yours to see." : "That did not work. Try again in a moment.");
    address.replace(addressOf(""));
    hide();
    return;
  }
  htmx.swap("#side-panel", await answer.text(), { swapStyle: "innerHTML" });
  panel.scrollTop = 0;
  panel.setAttribute("aria-label", panel.querySelector("[data-name]")?.dataset.name ?? "Customer");
  if (focus) panel.focus({ preventScroll: true });
}

function hide() {
  const from = shown;
  loading += 1;
  shown = "";
  panel.hidden = true;
  panel.replaceChildren();
  mark();
  if (from) document.getElementById(`open-${from}`)?.focus({ preventScroll: true });
}

function open(id) {
  if (id === shown) return panel.focus({ preventScroll: true });
  // One step of history for the panel, however many customers are looked at in it.
  if (shown) address.replace(addressOf(id));
  else address.push(addressOf(id), { panel: true });
  return show(id, true);
}

function close() {
  if (address.step()?.panel) address.back();
  else {
    address.replace(addressOf(""));
    hide();
  }
}

function step(by) {
  const every = links();
  const at = every.findIndex((link) => idOf(link) === shown);
  const focused = every.findIndex((link) => link.closest("[data-customer]").contains(document.activeElement));
  const from = at >= 0 ? at : focused;
  const next = every[from < 0 ? 0 : Math.max(0, Math.min(every.length - 1, from + by))];
  if (!next) return;
  next.closest("[data-customer]").scrollIntoView({ block: "nearest" });
  if (!shown) next.focus({ preventScroll: true });
  else if (idOf(next) !== shown) open(idOf(next));
}

function tell(text) {
  document.dispatchEvent(new CustomEvent("parley:toast", { detail: { text, level: "error" } }));
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-panel]");
  const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  if (link && plain) {
    event.preventDefault();
    open(idOf(link));
  } else if (event.target.closest("[data-close-panel]")) close();
  else if (event.target.closest("[data-step-panel]")) step(Number(event.target.closest("[data-step-panel]").dataset.stepPanel));
});

document.addEventListener("keydown", (event) => {
  if (!shown || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector("dialog[open], [popover]:not(#tooltip):popover-open")) return;
  if (event.key === "Escape") {
    event.preventDefault();
    close();
  } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !event.target.closest?.("input, textarea, select, [contenteditable]")) {
    event.preventDefault();
    step(event.key === "ArrowDown" ? 1 : -1);
  }
});

// The single keys j and k, which keyboard.js hears.
document.addEventListener("parley:step", (event) => {
  event.preventDefault();
  step(event.detail.by);
});

address.onReturn(() => {
  if (asked() === shown) return;
  if (asked()) show(asked(), true);
  else hide();
});
for (const name of ["parley:list-shown", "parley:list-rows", "parley:board"]) document.addEventListener(name, mark);
document.addEventListener("htmx:afterSettle", (event) => event.target.closest?.("#customer-rows, #board") && mark());
narrow.addEventListener("change", mark);

if (panel.dataset.open) show(panel.dataset.open, false);
