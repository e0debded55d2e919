// Cards in the hand: with a mouse or pen at once, with a finger after a moment, so that swiping still scrolls.

import { board, canMove, columnOf, columns, listOf, move, spot, state, announce, nameOf } from "./board_move.js";

const FAR = 5; // px that a mouse goes before it is a drag
const WAIT = 320; // ms that a finger rests
const EDGE = 56; // px at a border within which the board scrolls by itself
const FASTEST = 18; // px a frame

let press = null; // { card, x, y, pointer, isTouch, timer }
let drag = null; // { card, ghost, dx, dy, x, y, target, back, frame }

document.addEventListener("pointerdown", (event) => {
  const card = event.target.closest?.("#board [data-card]");
  if (!card || event.button !== 0 || !event.isPrimary || drag || !canMove() || card.classList.contains("is-saving")) return;
  if (event.target.closest("[data-move-menu], button")) return;
  const isTouch = event.pointerType === "touch";
  press = { card, x: event.clientX, y: event.clientY, pointer: event.pointerId, isTouch };
  if (isTouch) press.timer = setTimeout(() => press && lift(press.x, press.y), WAIT);
});

document.addEventListener("pointermove", (event) => {
  if (drag && event.pointerId === drag.pointer) {
    drag.x = event.clientX;
    drag.y = event.clientY;
    follow();
  } else if (press && event.pointerId === press.pointer && Math.hypot(event.clientX - press.x, event.clientY - press.y) > FAR) {
    if (press.isTouch) letGo(); // a swipe
    else lift(event.clientX, event.clientY);
  }
});

// Once lifted, a finger moves the card and nothing else. Has to be said to the first move already.
document.addEventListener("touchmove", (event) => drag && event.cancelable && event.preventDefault(), { passive: false });
document.addEventListener("contextmenu", (event) => (drag || press?.isTouch) && event.preventDefault());
document.addEventListener("dragstart", (event) => event.target.closest?.("#board [data-card]") && event.preventDefault());
document.addEventListener("selectstart", (event) => drag && event.preventDefault());

function letGo() {
  clearTimeout(press?.timer);
  press = null;
}

function lift(x, y) {
  const { pointer, isTouch } = press;
  const from = { x: press.x, y: press.y };
  // It may have come anew since it was pressed.
  const card = document.getElementById(press.card.id);
  letGo();
  if (!card || state.held) return;
  const box = card.getBoundingClientRect();
  const ghost = card.cloneNode(true);
  for (const one of [ghost, ...ghost.querySelectorAll("[id]")]) one.removeAttribute("id");
  ghost.removeAttribute("data-card");
  ghost.classList.add("board-card--ghost");
  ghost.setAttribute("aria-hidden", "true");
  ghost.inert = true;
  ghost.style.width = `${box.width}px`;
  document.body.append(ghost);
  card.classList.add("is-lifted");
  document.documentElement.classList.add("is-dragging");
  drag = { card, ghost, pointer, dx: from.x - box.left, dy: from.y - box.top, x, y, target: null, back: spot(card) };
  state.held = card;
  if (isTouch) navigator.vibrate?.(12);
  try {
    card.setPointerCapture(pointer);
  } catch {
    // The pointer is gone already: the next event says so.
  }
  announce(`${nameOf(card)} lifted.`);
  follow();
  drag.frame = requestAnimationFrame(scroll);
}

function follow() {
  drag.ghost.style.translate = `${drag.x - drag.dx}px ${drag.y - drag.dy}px`;
  const under = document.elementFromPoint(drag.x, drag.y)?.closest?.("#board [data-column]") ?? null;
  if (under === drag.target) return;
  drag.target?.classList.remove("is-target");
  drag.target = under;
  if (under && under !== columnOf(drag.card)) under.classList.add("is-target");
}

const pull = (place, low, high) => {
  if (place < low + EDGE) return -Math.min(1, (low + EDGE - place) / EDGE) * FASTEST;
  if (place > high - EDGE) return Math.min(1, (place - high + EDGE) / EDGE) * FASTEST;
  return 0;
};

function scroll() {
  if (!drag) return;
  const area = board().getBoundingClientRect();
  const sideways = pull(drag.x, Math.max(area.left, 0), Math.min(area.right, innerWidth));
  if (sideways) board().scrollBy(sideways, 0);
  if (drag.target) {
    const list = listOf(drag.target);
    const box = list.getBoundingClientRect();
    if (drag.y > box.top - EDGE && drag.y < box.bottom + EDGE) list.scrollBy(0, pull(drag.y, box.top, box.bottom));
  }
  if (sideways) follow();
  drag.frame = requestAnimationFrame(scroll);
}

function end(isDropped) {
  const { card, ghost, target, back, frame } = drag;
  cancelAnimationFrame(frame);
  drag = null;
  state.held = null;
  ghost.remove();
  card.classList.remove("is-lifted");
  document.documentElement.classList.remove("is-dragging");
  for (const column of columns()) column.classList.remove("is-target");
  // The press ends in a click, which would open the card.
  const swallow = (event) => {
    event.preventDefault();
    event.stopPropagation();
  };
  addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => removeEventListener("click", swallow, { capture: true }), 60);
  if (isDropped && target) move(card, target, back);
  else back();
  state.after([]);
}

addEventListener("pointerup", (event) => {
  if (press && event.pointerId === press.pointer) letGo();
  if (drag && event.pointerId === drag.pointer) end(true);
});
addEventListener("pointercancel", (event) => {
  if (press && event.pointerId === press.pointer) letGo();
  if (drag && event.pointerId === drag.pointer) end(false);
});
addEventListener("blur", () => drag && end(false));
document.addEventListener("keydown", (event) => {
  if (!drag || event.key !== "Escape") return;
  event.preventDefault();
  end(false);
}, true);
