// The list of customers without a reload: filters, order, columns and segments change its address; rows come anew when somebody changes them.

import { followList, here } from "./address.js";
import { openAt } from "./anchored.js";
import { fetchPage, gather, put, words } from "./patch.js";

const GATHER = 120; // ms in which changes of several rows become one request
const MOST = 100; // rows in one request
const search = document.getElementById("customer-search");
const editor = document.getElementById("cell-editor");
const list = () => document.getElementById("customer-list");
const plain = (event) => event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;

// --- the address -----------------------------------------------------------------------------------------------------

const show = followList({
  id: "customer-list",
  search,
  linkOrigin: (link) => (link.closest(".filter-bar") ? "add-filter-button" : link.id),
  formOrigin: (popover) => (popover && document.querySelector(`[popovertarget="${popover.id}"]`)?.id) || "",
  after() {
    for (const link of document.querySelectorAll("a[data-export]")) link.href = list().dataset.exportUrl;
    document.querySelector(".tab[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  },
});

// After a change of many: who fits and how many is another question now.
document.body.addEventListener("parley:list-changed", () => show(here(), "keep"));

// --- rows that changed -----------------------------------------------------------------------------------------------

const wanted = new Set();
const wantRows = gather(GATHER, refresh);

function want(ids) {
  for (const id of ids) if (document.getElementById(`customer-${id}`)) wanted.add(id);
  if (wanted.size) wantRows();
}

async function refresh() {
  const ids = [...wanted].slice(0, MOST);
  for (const id of ids) wanted.delete(id);
  if (wanted.size) wantRows();
  const { rowsUrl, columns } = list().dataset;
  const page = await fetchPage(`${rowsUrl}?${new URLSearchParams({ columns })}`, { ids: ids.join(",") });
  if (page) apply(ids, page);
}

function apply(ids, page) {
  for (const id of ids) {
    const old = document.getElementById(`customer-${id}`);
    const fresh = page.getElementById(`customer-${id}`);
    if (!old) continue;
    if (!fresh) old.remove(); // deleted, or out of reach
    else if (words(old) !== words(fresh)) replace(old, fresh);
  }
  document.dispatchEvent(new CustomEvent("parley:list-rows"));
}

function replace(old, fresh) {
  const isChosen = old.querySelector("[data-choose]")?.checked ?? false;
  const row = put(old, fresh);
  const box = row.querySelector("[data-choose]");
  if (box) box.checked = isChosen;
  row.classList.add("is-fresh");
}

document.addEventListener("parley:customers", (event) => {
  const { ids, all } = event.detail;
  want(all ? [...document.querySelectorAll("#customer-rows [data-customer]")].map((row) => row.dataset.customer) : ids);
});

// --- a cell, changed in place ----------------------------------------------------------------------------------------

let edited = null; // the id of the link that opened the editor, and where it asked

async function edit(link, isAgain = false) {
  edited = { id: link.id, url: link.dataset.edit };
  // Settled at once: it hears the first key, and the focus is not set a second time after that.
  await htmx.ajax("GET", edited.url, { target: "#cell-editor", swap: "innerHTML settle:0ms" });
  if (isAgain && !editor.matches(":popover-open")) return; // closed while it was asked for anew
  openAt(editor, link);
  (editor.querySelector("[autofocus]") ?? editor.querySelector("button, input:not([type=hidden])"))?.focus();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-edit]");
  if (!link || !plain(event)) return;
  event.preventDefault();
  edit(link);
});

editor?.addEventListener("toggle", (event) => {
  const link = edited && document.getElementById(edited.id);
  if (event.newState === "open") link?.setAttribute("aria-expanded", "true");
  else {
    link?.removeAttribute("aria-expanded");
    if (editor.contains(document.activeElement) || document.activeElement === document.body) link?.focus({ preventScroll: true });
  }
});

editor?.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const items = [...editor.querySelectorAll(".menu__item")];
  if (!step || !items.length) return;
  event.preventDefault();
  const at = items.indexOf(document.activeElement);
  items[(at + step + items.length) % items.length].focus();
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (!edited || !event.detail.requestConfig || event.detail.requestConfig.verb !== "post" || !event.detail.requestConfig.elt.closest?.("#cell-editor")) return;
  if (event.detail.xhr.status !== 200) return; // refused: the editor says why
  const link = document.getElementById(edited.id);
  if (link?.id.startsWith("edit-tags-")) edit(link, true); // one tag seldom comes alone
  else {
    editor.hidePopover();
    link?.focus({ preventScroll: true });
  }
  document.dispatchEvent(new CustomEvent("parley:list-rows"));
});

// What the panel saves stands in the row at once.
document.addEventListener("htmx:afterRequest", (event) => {
  const body = event.target.closest?.("#side-panel") && document.querySelector("#side-panel [data-customer]");
  if (body && event.detail.successful && event.detail.requestConfig.verb === "post") want([body.dataset.customer]);
});

// --- the order of columns --------------------------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-move]");
  if (!button) return;
  const item = button.closest("li");
  const other = button.dataset.move === "-1" ? item.previousElementSibling : item.nextElementSibling;
  if (other) button.dataset.move === "-1" ? other.before(item) : other.after(item);
  button.focus();
});

// A shadow under the first column once there is something beneath it.
document.addEventListener("scroll", (event) => {
  if (event.target.matches?.(".table-scroll")) event.target.classList.toggle("is-aside", event.target.scrollLeft !== 0);
}, true);
