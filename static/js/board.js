// A board without a reload: filters and order change its address, columns load more, cards come anew when somebody changes them.

import { openAt } from "./anchored.js";
import { board, cardsIn, columnOf, columns, focus, linkOf, move, place, spot, state } from "./board_move.js";

const GATHER = 120; // ms in which changes of several cards become one request
const MOST = 100; // cards in one request
const FOLDED = "parley:board-open";
const search = document.getElementById("board-search");
const view = () => document.getElementById("board-view");
const plain = (event) => event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
const shown = () => document.dispatchEvent(new CustomEvent("parley:board"));

// --- the address -----------------------------------------------------------------------------------------------------

let how = "replace"; // what the next answer does to the address
let origin = "";
let kept = null; // where the columns stood
let running = false;
let next = null; // asked for while another answer was on its way; of several the last

async function show(url, then, from = "") {
  if (running) {
    next = [url, then, from];
    return;
  }
  running = true;
  how = then;
  origin = from;
  kept = { left: board()?.scrollLeft ?? 0 };
  try {
    await htmx.ajax("GET", url, { target: "#board-view", swap: "outerHTML" });
  } catch {
    // static/js/toast.js says what went wrong.
  }
  running = false;
  if (next) {
    const [again, ...rest] = next;
    next = null;
    show(again, ...rest);
  }
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
  show(link.href, "push", link.id || "add-filter-button");
});

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-list]");
  if (!form) return;
  event.preventDefault();
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form, event.submitter)) if (value !== "") query.append(name, value);
  const popover = form.closest("[popover]");
  popover?.hidePopover();
  show(`${form.action.split("?")[0]}?${query}`, form.id === "list-state" ? "replace" : "push", popover ? "add-filter-button" : (document.activeElement?.id ?? ""));
});

document.addEventListener("change", (event) => event.target.closest("form[data-sends-itself]")?.requestSubmit());

let typing = 0;
search?.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => search.form?.requestSubmit(), 250);
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id !== "board-view") return;
  const { query, q, title } = view().dataset;
  const open = new URLSearchParams(location.search).get("open");
  const pairs = new URLSearchParams(query);
  if (open) pairs.set("open", open);
  const address = location.pathname + (pairs.size ? `?${pairs}` : "");
  if (how === "push" && address !== location.pathname + location.search) history.pushState({}, "", address);
  else if (how === "replace") history.replaceState(history.state, "", address);
  if (document.activeElement !== search) search.value = q;
  document.title = `${document.title.match(/^\(\d+\+?\) /)?.[0] ?? ""}${title} · Parley`;
  if (document.activeElement === document.body && origin) document.getElementById(origin)?.focus({ preventScroll: true });
  if (kept && board()) board().scrollLeft = kept.left;
  how = "replace";
  origin = "";
  fold();
  shown();
  document.dispatchEvent(new CustomEvent("parley:list-shown"));
});

addEventListener("popstate", () => {
  if (without(location.search, "open") !== without(view().dataset.query, "open")) show(location.pathname + location.search, "keep");
});

// --- narrow columns --------------------------------------------------------------------------------------------------

const opened = () => new Set((localStorage.getItem(FOLDED) ?? "").split(",").filter(Boolean));

function fold() {
  const wide = opened();
  for (const button of document.querySelectorAll("[data-fold]")) widen(button.closest("[data-column]"), wide.has(button.closest("[data-column]").dataset.column));
}

function widen(column, isWide) {
  column.classList.toggle("is-narrow", !isWide);
  const button = column.querySelector("[data-fold]");
  button.setAttribute("aria-expanded", String(isWide));
  button.firstElementChild.textContent = `${isWide ? "Hide" : "Show"} the cards of ${column.dataset.name}`;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-fold]");
  if (!button) return;
  const column = button.closest("[data-column]");
  const isWide = column.classList.contains("is-narrow");
  const wide = opened();
  if (isWide) wide.add(column.dataset.column);
  else wide.delete(column.dataset.column);
  localStorage.setItem(FOLDED, [...wide].join(","));
  widen(column, isWide);
});

// --- the menu of a card ----------------------------------------------------------------------------------------------

const menu = document.getElementById("move-menu");
let asked = null; // the card whose menu is open

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-move-menu]");
  if (!link || !menu || !plain(event)) return;
  event.preventDefault();
  asked = link.closest("[data-card]");
  for (const item of menu.querySelectorAll("[data-move-to]")) {
    if (item.dataset.moveTo === asked.dataset.stage) item.setAttribute("aria-current", "true");
    else item.removeAttribute("aria-current");
  }
  openAt(menu, link);
  (menu.querySelector("[aria-current]") ?? menu.querySelector("button")).focus();
});

menu?.addEventListener("toggle", (event) => {
  const link = asked?.querySelector("[data-move-menu]");
  if (event.newState === "open") link?.setAttribute("aria-expanded", "true");
  else {
    link?.removeAttribute("aria-expanded");
    if (menu.contains(document.activeElement) || document.activeElement === document.body) link?.focus({ preventScroll: true });
  }
});

menu?.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const items = [...menu.querySelectorAll(".menu__item")];
  items[(items.indexOf(document.activeElement) + step + items.length) % items.length].focus();
});

menu?.addEventListener("click", (event) => {
  const item = event.target.closest("[data-move-to]");
  if (!item || !asked) return;
  const card = asked;
  menu.hidePopover();
  const column = document.getElementById(`column-${item.dataset.moveTo}`);
  if (column && column !== columnOf(card)) {
    linkOf(card).focus({ preventScroll: true });
    move(card, column, spot(card));
  }
});

// --- cards that changed ----------------------------------------------------------------------------------------------

const wanted = new Set();
let all = false;
let timer = 0;
let busy = false;

function want(ids, isAll = false) {
  for (const id of ids) wanted.add(id);
  all ||= isAll;
  clearTimeout(timer);
  if ((wanted.size || all) && !busy) timer = setTimeout(refresh, GATHER);
}
state.after = (ids) => want(ids);

async function refresh() {
  if (state.held || !board()) return; // nothing moves under a hand; what is wanted is asked for when it is empty
  busy = true;
  const every = all;
  all = false;
  if (every) for (const card of [...board().querySelectorAll("[data-card]")].slice(0, 4 * MOST)) wanted.add(card.dataset.customer);
  const ids = [...wanted].slice(0, every ? 4 * MOST : MOST);
  for (const id of ids) wanted.delete(id);
  const query = new URLSearchParams(board().dataset.query);
  query.set("ids", ids.join(","));
  if (every) query.set("all", "1");
  try {
    const answer = await fetch(`${board().dataset.changesUrl}?${query}`, { credentials: "same-origin", redirect: "error" });
    if (answer.ok) apply(ids, new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    // The next signal, or the next look at the page, brings them.
  }
  busy = false;
  if (wanted.size || all) refresh();
}

const words = (element) => element.textContent.replace(/\s+/g, "") + element.className.includes("is-overdue");

function apply(ids, page) {
  if (state.held || !board()) {
    want(ids);
    return;
  }
  for (const fresh of page.querySelectorAll("[data-heads] > *")) {
    const old = document.getElementById(fresh.id);
    if (old && old.innerHTML !== fresh.innerHTML) old.replaceWith(document.importNode(fresh, true));
  }
  const known = new Set(ids);
  const came = new Map([...page.querySelectorAll("[data-fresh] > [data-card]")].map((card) => [card.id, card]));
  const before = new Map([...came.keys()].map((id) => [id, document.getElementById(id)?.getBoundingClientRect()]));
  for (const card of board().querySelectorAll("[data-card]")) {
    if (known.has(card.dataset.customer) && !came.has(card.id) && !state.saving.has(card.dataset.card)) card.remove(); // elsewhere, gone, or out of reach
  }
  const changed = [];
  for (const fresh of came.values()) if (!state.saving.has(fresh.dataset.card) && put(fresh)) changed.push(fresh.id);
  glide(changed, before);
  shown();
}

// Gives whether something is to be seen of it.
function put(fresh) {
  const old = document.getElementById(fresh.id);
  const column = document.getElementById(`column-${fresh.dataset.stage}`);
  if (!column) {
    old?.remove();
    return false;
  }
  if (old && old.dataset.stage === fresh.dataset.stage && columnOf(old) === column && old.dataset.at === fresh.dataset.at && words(old) === words(fresh)) return false;
  const card = document.importNode(fresh, true);
  const focused = old?.contains(document.activeElement) ? document.activeElement.id : "";
  if (old) {
    card.classList.toggle("is-open", old.classList.contains("is-open"));
    old.replaceWith(card);
  }
  if (!place(card, column, Boolean(old) && columnOf(old) === column)) {
    card.remove();
    return Boolean(old);
  }
  htmx.process(card);
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  return true;
}

function glide(ids, before) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const id of ids) {
    const card = document.getElementById(id);
    if (!card) continue;
    const from = before.get(id);
    const to = card.getBoundingClientRect();
    if (!from) card.classList.add("is-fresh");
    else if (from.left !== to.left || Math.abs(from.top - to.top) > 2) {
      card.animate([{ translate: `${from.left - to.left}px ${from.top - to.top}px`, zIndex: 3 }, { translate: "none", zIndex: 3 }], { duration: 240, easing: "cubic-bezier(.2,0,0,1)" });
    }
  }
}

document.addEventListener("parley:customers", (event) => {
  const { ids, all: every } = event.detail;
  want(ids ?? [], Boolean(every));
});

// The single keys j and k, which keyboard.js hears.
document.addEventListener("parley:step", (event) => {
  if (!document.getElementById("side-panel")?.hidden) return; // the panel steps by itself
  event.preventDefault();
  const current = document.activeElement.closest?.("#board [data-card]");
  const cards = current ? cardsIn(columnOf(current)) : columns().flatMap(cardsIn);
  const next = current ? cards[cards.indexOf(current) + event.detail.by] : cards[0];
  if (next) focus(next);
});

fold();
