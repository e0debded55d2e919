// Popovers with [data-anchored] open beside the button that asked for them, on the side where there is room.

const GAP = 4;
const EDGE = 8;
const anchors = new WeakMap();

export function openAt(popover, anchor) {
  anchors.set(popover, anchor);
  if (popover.matches(":popover-open")) place(popover);
  else popover.showPopover();
}

function place(popover) {
  const known = anchors.get(popover);
  const anchor = known?.isConnected ? known : document.querySelector(`[popovertarget="${CSS.escape(popover.id)}"]`);
  if (!anchor) return;
  popover.classList.add("is-anchored");
  const at = anchor.getBoundingClientRect();
  const own = popover.getBoundingClientRect();
  const leftward = (popover.dataset.anchored === "end") !== (getComputedStyle(anchor).direction === "rtl");
  const left = leftward ? at.right - own.width : at.left;
  const below = at.bottom + GAP;
  const fits = below + own.height <= innerHeight - EDGE;
  const top = fits ? below : at.top - GAP - own.height >= EDGE ? at.top - GAP - own.height : innerHeight - EDGE - own.height;
  popover.style.left = `${Math.max(EDGE, Math.min(left, innerWidth - own.width - EDGE))}px`;
  popover.style.top = `${Math.max(EDGE, top)}px`;
}

const opened = () => document.querySelectorAll("[popover][data-anchored]:popover-open");

document.addEventListener("beforetoggle", (event) => {
  if (event.newState === "open" && event.target.matches?.("[data-anchored]")) requestAnimationFrame(() => place(event.target));
}, true);
addEventListener("resize", () => opened().forEach(place));
addEventListener("scroll", (event) => {
  for (const popover of opened()) if (!popover.contains(event.target)) place(popover);
}, true);
document.addEventListener("htmx:afterSettle", () => opened().forEach(place));
