// The list of customers without a reload: filters, order, columns and segments change its address; rows come anew when somebody changes them.

import { openAt } from "./anchored.js";

const GATHER = 120; // ms in which changes of several rows become one request
const search = document.getElementById("customer-search");
const editor = document.getElementById("cell-editor");
const list = () => document.getElementById("customer-list");
const plain = (event) => event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;

let how = "replace"; // what the next answer does to the address
let origin = "";

// --- the address -----------------------------------------------------------------------------------------------------

function show(url, then, from = "") {
  how = then;
  origin = from;
  return htmx.ajax("GET", url, { target: "#customer-list", swap: "outerHTML" });
}

function without(query, name) {
  const pairs = new URLSearchParams(query);
  pairs.delete(name);
  return pairs.toString();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-list]");
  if (!link || !plain(event)) return;
  event.preventDefault();
  show(link.href, "push", link.closest(".filterbar") ? "add-filter-button" : link.id);
});

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-list]");
  if (!form) return;
  event.preventDefault();
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form, event.submitter)) if (value !== "") query.append(name, value);
  const popover = form.closest("[popover]");
  const button = popover && document.querySelector(`[popovertarget="${popover.id}"]`);
  popover?.hidePopover();
  show(`${form.action}?${query}`, form.id === "list-state" ? "replace" : "push", button?.id ?? "");
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id !== "customer-list") return;
  const { query, q, title } = list().dataset;
  const open = new URLSearchParams(location.search).get("open");
  const pairs = new URLSearchParams(query);
  if (open) pairs.set("open", open);
  const address = location.pathname + (pairs.size ? `?${pairs}` : "");
  if (how === "push" && address !== location.pathname + location.search) history.pushState({}, "", address);
  else if (how === "replace") history.replaceState(history.state, "", address);
  if (document.activeElement !== search) search.value = q;
  for (const link of document.querySelectorAll("a[data-export]")) link.href = list().dataset.exportUrl;
  document.title = `${document.title.match(/^\(\d+\+?\) /)?.[0] ?? ""}${title} · Parley`;
  if (document.activeElement === document.body && origin) document.getElementById(origin)?.focus({ preventScroll: true });
  document.querySelector(".tab[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  how = "replace";
  origin = "";
  document.dispatchEvent(new CustomEvent("parley:list-shown"));
});

addEventListener("popstate", () => {
  if (without(location.search, "open") !== without(list().dataset.query, "open")) show(location.pathname + location.search, "keep");
});

// After a change of many: who fits and how many is another question now.
document.body.addEventListener("parley:list-changed", () => show(location.pathname + location.search, "keep"));

// --- rows that changed -----------------------------------------------------------------------------------------------

const wanted = new Set();
let timer = 0;
let busy = false;

function want(ids) {
  for (const id of ids) if (document.getElementById(`customer-${id}`)) wanted.add(id);
  clearTimeout(timer);
  if (wanted.size && !busy) timer = setTimeout(refresh, GATHER);
}

async function refresh() {
  busy = true;
  const ids = [...wanted].slice(0, 100);
  for (const id of ids) wanted.delete(id);
  try {
    const { rowsUrl, columns } = list().dataset;
    const answer = await fetch(`${rowsUrl}?${new URLSearchParams({ ids: ids.join(","), columns })}`, { credentials: "same-origin", redirect: "error" });
    if (answer.ok) apply(ids, new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    // The next signal, or the next look at the page, brings them.
  }
  busy = false;
  if (wanted.size) refresh();
}

function apply(ids, page) {
  for (const id of ids) {
    const old = document.getElementById(`customer-${id}`);
    const fresh = page.getElementById(`customer-${id}`);
    if (!old) continue;
    if (!fresh) old.remove(); // deleted, or out of reach
    else if (old.textContent.replace(/\s+/g, "") !== fresh.textContent.replace(/\s+/g, "")) replace(old, document.importNode(fresh, true));
  }
  document.dispatchEvent(new CustomEvent("parley:list-rows"));
}

function replace(old, row) {
  const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
  const box = row.querySelector("[data-choose]");
  if (box) box.checked = old.querySelector("[data-choose]")?.checked ?? false;
  old.replaceWith(row);
  row.classList.add("is-fresh");
  htmx.process(row);
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
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
