// The open thread: puts new and changed messages in their place without moving what is being read.

import { put } from "./patch.js";

const NEAR = 80; // px from the newest message that still count as being there
let unseen = 0;
let isOnTheWay = false; // to the newest message, since its button was pressed

const scroller = () => document.getElementById("thread-scroll");
// The scroller is upside down: 0 is the newest, earlier is negative.
const isAtNewest = () => Math.abs(scroller()?.scrollTop ?? 0) < NEAR;

function order(a, b) {
  const difference = Date.parse(a.dataset.at) - Date.parse(b.dataset.at);
  return difference || (a.dataset.message < b.dataset.message ? -1 : 1);
}

function dayLine(message) {
  const line = document.createElement("li");
  line.className = "day";
  line.dataset.dayLine = message.dataset.day;
  const label = document.createElement("span");
  label.textContent = message.dataset.dayLabel;
  line.append(label);
  return line;
}

function replace(old, fresh) {
  // What was folded open stays open.
  const open = [...old.querySelectorAll("details")].map((one) => one.open);
  fresh.querySelectorAll("details").forEach((one, at) => one.toggleAttribute("open", open[at] ?? false));
  if (old.innerHTML === fresh.innerHTML && old.dataset.status === fresh.dataset.status) return; // as it was: what is being read or pressed stays
  put(old, fresh, "button, a");
}

function insert(list, fresh) {
  const all = [...list.querySelectorAll("[data-message]")];
  const later = all.find((message) => order(fresh, message) < 0);
  if (later && later === all[0] && document.getElementById("earlier-messages")) return false;
  list.querySelector("[data-no-messages]")?.remove();
  let before = later ?? null;
  if (before?.previousElementSibling?.matches(".day") && before.dataset.day !== fresh.dataset.day) before = before.previousElementSibling;
  list.insertBefore(fresh, before);
  if (!list.querySelector(`[data-day-line="${fresh.dataset.day}"]`)) list.insertBefore(dayLine(fresh), fresh);
  fresh.classList.add("is-new");
  htmx.process(fresh);
  return true;
}

function merge(nodes, { follow = false } = {}) {
  const list = document.getElementById("messages");
  const view = scroller();
  if (!list || !view) return;
  const wasAtNewest = isAtNewest();
  const height = view.scrollHeight;
  let received = 0;
  for (const fresh of nodes) {
    const old = document.getElementById(fresh.id);
    if (old) replace(old, fresh);
    else if (insert(list, fresh) && fresh.dataset.direction === "inbound") received += 1;
  }
  if (follow || wasAtNewest || isOnTheWay) view.scrollTop = 0;
  // Setting it, even to what it is, would end a smooth scroll.
  else if (view.scrollHeight !== height) view.scrollTop -= view.scrollHeight - height;
  if (received) {
    unseen += isAtNewest() ? 0 : received;
    if (isAtNewest()) seen();
  }
  showDown();
}

function seen() {
  const thread = document.getElementById("thread");
  // Who only views as somebody reads in nobody’s name: their page has no such address.
  if (thread?.dataset.readUrl && document.visibilityState === "visible") htmx.ajax("POST", thread.dataset.readUrl, { swap: "none", source: thread });
}

function showDown() {
  const button = document.getElementById("to-newest");
  if (!button) return;
  if (isAtNewest()) unseen = 0;
  button.hidden = isAtNewest();
  button.querySelector("[data-label]").textContent = unseen ? (unseen === 1 ? "1 new message" : `${unseen} new messages`) : "Newest";
}

// Earlier messages come with their day lines; the day that was cut in two keeps the upper one.
document.addEventListener("htmx:afterSwap", () => {
  const days = new Set();
  for (const line of document.querySelectorAll("#messages > [data-day-line]")) {
    if (days.has(line.dataset.dayLine)) line.remove();
    days.add(line.dataset.dayLine);
  }
});

document.addEventListener("parley:messages", (event) => merge(event.detail.nodes, event.detail));
document.addEventListener("parley:opened", () => {
  unseen = 0;
  isOnTheWay = false;
  showDown();
});
document.addEventListener("scroll", (event) => {
  if (event.target.id !== "thread-scroll") return;
  const had = unseen;
  if (isAtNewest()) isOnTheWay = false;
  showDown();
  if (had && !unseen) seen();
}, { capture: true, passive: true });
document.addEventListener("click", (event) => {
  if (event.target.closest("#to-newest")) {
    isOnTheWay = true;
    scroller().scrollTo({ top: 0, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    const mode = document.querySelector("#composer input[type=radio][name=mode]:checked")?.value ?? "reply";
    document.getElementById(`composer-${mode}`)?.elements.body.focus({ preventScroll: true });
  }
});
// Whoever scrolls themselves goes where they want.
for (const by of ["wheel", "touchmove", "keydown"]) {
  document.addEventListener(by, (event) => {
    if (event.target.closest?.("#thread-scroll")) isOnTheWay = false;
  }, { passive: true });
}
// Messages that arrived while nobody looked are read when somebody does.
document.addEventListener("visibilitychange", () => {
  const row = document.querySelector(`#row-${CSS.escape(document.getElementById("conversation")?.dataset.conversation ?? "none")}`);
  if (document.visibilityState === "visible" && row?.classList.contains("row--unread") && isAtNewest()) seen();
});
