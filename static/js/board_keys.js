// The board by key: arrows go from card to card; Space lifts one, left and right carry it, Space drops it, Escape takes it back.

import { announce, board, canMove, cardsIn, columnOf, columns, focus, isNarrow, linkOf, listOf, move, nameOf, placeFirst, spot, state } from "./board_move.js";

let lifted = null; // { card, back, home }

const open = () => columns().filter((column) => !isNarrow(column) && cardsIn(column).length);

function widen(column) {
  if (isNarrow(column)) column.querySelector("[data-fold]")?.click();
}

function lift(card) {
  lifted = { card, back: spot(card), home: columnOf(card) };
  state.held = card;
  card.classList.add("is-held");
  announce(`${nameOf(card)} lifted from ${lifted.home.dataset.name}. Left and right choose a stage, Space drops, Escape cancels.`);
}

function carry(by) {
  const { card } = lifted;
  const every = columns();
  const to = every[every.indexOf(columnOf(card)) + by];
  if (!to) return announce("There is no further stage.");
  columnOf(card).classList.remove("is-target");
  widen(to);
  if (to === lifted.home) lifted.back();
  else {
    placeFirst(card, to);
    to.classList.add("is-target");
  }
  focus(card);
  board().scrollTo({ left: to.offsetLeft - (board().clientWidth - to.offsetWidth) / 2, behavior: "smooth" });
  announce(`${to.dataset.name}, ${every.indexOf(to) + 1} of ${every.length}.`);
}

async function drop() {
  const { card, back } = lifted;
  const to = columnOf(card);
  release();
  if (to.dataset.column === card.dataset.stage) {
    back();
    focus(card);
    announce(`${nameOf(card)} stays in ${to.dataset.name}.`);
  } else await move(card, to, back);
  state.after([]);
}

function release() {
  lifted.card.classList.remove("is-held");
  for (const column of columns()) column.classList.remove("is-target");
  lifted = null;
  state.held = null;
}

function cancel({ isFocused = true } = {}) {
  const { card, back, home } = lifted;
  release();
  back();
  if (isFocused) focus(card);
  announce(`${nameOf(card)} is back in ${home.dataset.name}.`);
  state.after([]);
}

function go(card, key) {
  const column = columnOf(card);
  const own = cardsIn(column);
  const place = own.indexOf(card);
  if (key === "ArrowDown" || key === "ArrowUp") {
    const next = own[place + (key === "ArrowDown" ? 1 : -1)];
    if (next) focus(next);
    return;
  }
  const every = open();
  const to = every[every.indexOf(column) + (key === "ArrowRight" ? 1 : -1)];
  if (to) focus(cardsIn(to)[Math.min(place, cardsIn(to).length - 1)]);
}

document.addEventListener("keydown", (event) => {
  const link = event.target.closest?.("#board [data-card] [data-name]");
  if (!link || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const card = link.closest("[data-card]");
  const { key } = event;
  if (lifted && lifted.card === card) {
    if (key === "Tab") return cancel();
    if (![" ", "Enter", "Escape", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(key)) return;
    event.preventDefault();
    event.stopPropagation();
    if (key === " " || key === "Enter") drop();
    else if (key === "Escape") cancel();
    else if (key === "ArrowLeft" || key === "ArrowRight") carry((key === "ArrowRight") === (document.dir !== "rtl") ? 1 : -1);
  } else if (key === " " && canMove() && !state.held && !card.classList.contains("is-saving")) {
    event.preventDefault();
    lift(card);
  } else if (key.startsWith("Arrow") && !event.shiftKey) {
    event.preventDefault();
    go(card, key);
  }
});

document.addEventListener("pointerdown", () => lifted && cancel({ isFocused: false }), true);

// --- one stop a column for Tab ---------------------------------------------------------------------------------------

function stop(card, isOn) {
  const link = linkOf(card);
  const wanted = isOn ? "0" : "-1";
  // Written only where it differs: a column may hold thousands.
  if (link.getAttribute("tabindex") === wanted) return;
  for (const one of [link, card.querySelector("[data-move-menu]")]) one?.setAttribute("tabindex", wanted);
}

export function tabStops() {
  for (const column of columns()) {
    const cards = cardsIn(column);
    const current = cards.find((card) => card.contains(document.activeElement)) ?? cards.find((card) => linkOf(card).getAttribute("tabindex") === "0") ?? cards[0];
    for (const card of cards) stop(card, card === current);
    listOf(column).tabIndex = -1;
  }
}

document.addEventListener("focusin", (event) => {
  const card = event.target.closest?.("#board [data-card]");
  if (!card || linkOf(card).getAttribute("tabindex") === "0") return;
  for (const other of cardsIn(columnOf(card))) if (other !== card && linkOf(other).getAttribute("tabindex") === "0") stop(other, false);
  stop(card, true);
});
document.addEventListener("parley:board", tabStops);
document.addEventListener("htmx:afterSettle", (event) => event.target.closest?.("#board, #board-view") && tabStops());
tabStops();
