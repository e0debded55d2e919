// A card and the way it takes: where it stands, what is asked before, what the server says, and how it is taken back.
// Shared by pointer (board_drag.js), keyboard (board_keys.js) and menu (board.js).

import { ask } from "./lost.js";

export const board = () => document.getElementById("board");
export const columns = () => [...document.querySelectorAll("#board [data-column]")];
export const columnOf = (card) => card.closest("[data-column]");
export const cardsIn = (column) => [...column.querySelectorAll("[data-card]")];
export const listOf = (column) => column.querySelector("[data-cards]");
export const linkOf = (card) => card.querySelector("[data-name]");
export const nameOf = (card) => linkOf(card).textContent.trim();
export const canMove = () => board()?.hasAttribute("data-can-move") ?? false;
export const isNarrow = (column) => column.classList.contains("is-narrow") && getComputedStyle(listOf(column)).display === "none";

export const state = { held: null, saving: new Set(), after: () => {} };

let lastUndo = null;

export function announce(text) {
  const place = document.getElementById("announcer");
  place.textContent = "";
  requestAnimationFrame(() => (place.textContent = text));
}

export function tell(text, level = "success", undo = "") {
  document.dispatchEvent(new CustomEvent("parley:toast", { detail: { text, level, undo } }));
}

// --- where a card stands ---------------------------------------------------------------------------------------------

const at = (card) => Number(card.dataset.at);

function comesBefore(one, other) {
  const rising = board().hasAttribute("data-rising");
  if (at(one) !== at(other)) return rising === at(one) < at(other);
  return rising === one.dataset.card < other.dataset.card;
}

// Puts a card among those of a column in their order; not at all where it belongs to a part that was not loaded yet.
export function place(card, column, isForced = false) {
  const list = listOf(column);
  const more = list.querySelector(".column__more");
  const after = cardsIn(column).find((other) => other !== card && comesBefore(card, other));
  if (!after && more && !isForced) return false;
  list.insertBefore(card, after ?? more);
  return true;
}

// Where somebody just came to: the latest activity is their own.
export function placeFirst(card, column) {
  const list = listOf(column);
  if (board().hasAttribute("data-rising")) list.insertBefore(card, list.querySelector(".column__more"));
  else list.prepend(card);
}

export function spot(card) {
  const before = card.nextElementSibling;
  const column = columnOf(card).id;
  return () => {
    const home = document.getElementById(column);
    if (!home) return;
    if (before?.isConnected && columnOf(before) === home) before.before(card);
    else place(card, home, true);
  };
}

export function focus(card) {
  linkOf(card)?.focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest", inline: "nearest" });
}

// --- why --------------------------------------------------------------------------------------------------------------

const askReason = () => ask(document.getElementById("lost-dialog"));

// --- the move ---------------------------------------------------------------------------------------------------------

async function post(url, values) {
  const headers = { Accept: "application/json", ...JSON.parse(document.body.getAttribute("hx-headers")) };
  const answer = await fetch(url, { method: "POST", headers, body: new URLSearchParams(values), credentials: "same-origin", redirect: "manual" }).catch(() => null);
  if (!answer) return { problem: "No connection. Nothing was changed; try again when you are back online." };
  if (answer.type === "opaqueredirect" || answer.status === 401) {
    location.reload();
    return { problem: "You were signed out." };
  }
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) return { body };
  const usual = { 403: "Your role does not allow this.", 404: "This is no longer here, or not yours to see.", 429: "Too many tries. Wait a moment." };
  return { field: body.field, problem: body.detail ?? usual[answer.status] ?? "That did not work, the fault is ours. Try again in a moment." };
}

// Says it to the server; where that wants to know why, so do we. Nothing comes back where somebody thought better of it.
async function send(card, values) {
  state.saving.add(card.dataset.card);
  card.classList.add("is-saving");
  let answer = await post(card.dataset.moveUrl, values);
  if (answer.field === "reason") {
    const why = await askReason();
    answer = why ? await post(card.dataset.moveUrl, { ...values, ...why }) : {};
  }
  card.classList.remove("is-saving");
  state.saving.delete(card.dataset.card);
  return answer;
}

// Moves a card to a column and says so to the server; `back` puts it where it was. Gives whether it was moved.
export async function move(card, column, back = spot(card)) {
  const { column: key } = column.dataset;
  if (card.dataset.stage === key) {
    back();
    return false;
  }
  const hadFocus = card.contains(document.activeElement);
  placeFirst(card, column);
  if (hadFocus) focus(card);
  const { body, problem } = await send(card, { stage: key, was: card.dataset.stage });
  if (!body) {
    back();
    if (hadFocus) focus(card);
    if (!problem) announce(`${nameOf(card)} stays where it was.`);
    else tell(`${nameOf(card)} was not moved. ${problem}`, "error");
    return false;
  }
  card.dataset.stage = key;
  card.dataset.at = String(Date.now() / 1000);
  const customer = card.dataset.customer;
  state.after([customer]);
  if (body.text) {
    lastUndo = body.undo ? () => takeBack(body, customer) : null;
    tell(body.text, "success", lastUndo ?? "");
  }
  return true;
}

async function takeBack({ undo, values }, customer) {
  lastUndo = null;
  const { body, problem } = await post(undo, values);
  if (problem) tell(problem, "error");
  else tell(body.text);
  state.after([customer]);
}

document.addEventListener("keydown", (event) => {
  if (!lastUndo || event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
  if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
  event.preventDefault();
  const undo = lastUndo;
  for (const button of document.querySelectorAll("#toasts [data-toast-undo]")) button.closest("[data-toast]").remove();
  undo();
});
