// A board without a reload: filters and order change its address, columns load more, cards come anew when somebody changes them.

import { followList } from "./address.js";
import { openAt } from "./anchored.js";
import { board, cardsIn, columnOf, columns, focus, linkOf, move, place, spot, state } from "./board_move.js";
import { fetchPage, focusIn, gather, refocus, words } from "./patch.js";

const GATHER = 120; // ms in which changes of several cards become one request
const MOST = 100; // cards in one request
const FOLDED = "parley:board-open";
const search = document.getElementById("board-search");
const plain = (event) => event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
const shown = () => document.dispatchEvent(new CustomEvent("parley:board"));

// --- the address -----------------------------------------------------------------------------------------------------

let left = null; // how far the columns were scrolled

followList({
  id: "board-view",
  search,
  linkOrigin: (link) => link.id || "add-filter-button",
  formOrigin: (popover) => (popover ? "add-filter-button" : (document.activeElement?.id ?? "")),
  before() {
    left = board()?.scrollLeft ?? 0;
  },
  after() {
    if (left !== null && board()) board().scrollLeft = left;
    fold();
    shown();
  },
});

document.addEventListener("change", (event) => event.target.closest("form[data-sends-itself]")?.requestSubmit());

let typing = 0;
search?.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => search.form?.requestSubmit(), 250);
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
const wantCards = gather(GATHER, refresh);

function want(ids, isAll = false) {
  for (const id of ids) wanted.add(id);
  all ||= isAll;
  if (wanted.size || all) wantCards();
}
state.after = (ids) => want(ids);

async function refresh() {
  if (state.held || !board()) return; // nothing moves under a hand; what is wanted is asked for when it is empty
  const every = all;
  all = false;
  if (every) for (const card of [...board().querySelectorAll("[data-card]")].slice(0, 4 * MOST)) wanted.add(card.dataset.customer);
  const ids = [...wanted].slice(0, every ? 4 * MOST : MOST);
  for (const id of ids) wanted.delete(id);
  if (wanted.size) wantCards();
  const query = new URLSearchParams(board().dataset.query);
  if (every) query.set("all", "1");
  const page = await fetchPage(`${board().dataset.changesUrl}?${query}`, { ids: ids.join(",") });
  if (page) apply(ids, page);
}

const saysOf = (card) => words(card) + card.className.includes("is-overdue");

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
  if (old && old.dataset.stage === fresh.dataset.stage && columnOf(old) === column && old.dataset.at === fresh.dataset.at && saysOf(old) === saysOf(fresh)) return false;
  const card = document.importNode(fresh, true);
  const focused = focusIn(old);
  if (old) {
    card.classList.toggle("is-open", old.classList.contains("is-open"));
    old.replaceWith(card);
  }
  if (!place(card, column, Boolean(old) && columnOf(old) === column)) {
    card.remove();
    return Boolean(old);
  }
  htmx.process(card);
  refocus(focused, card);
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
