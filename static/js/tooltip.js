// One tip for every [data-tip]: on hover, focus and tap; it stays under the pointer, Escape takes it away (WCAG 1.4.13).

const tip = document.getElementById("tooltip");
const GAP = 6;
let owner = null;
let leaving = 0;
let coming = 0;

function place() {
  const at = owner.getBoundingClientRect();
  const own = tip.getBoundingClientRect();
  const right = owner.dataset.tipSide === "right" && innerWidth > 768;
  const fits = at.top - own.height - GAP > 0;
  const left = right ? at.right + GAP : at.left + at.width / 2 - own.width / 2;
  const top = right ? at.top + at.height / 2 - own.height / 2 : fits ? at.top - own.height - GAP : at.bottom + GAP;
  tip.style.left = `${Math.max(8, Math.min(left, innerWidth - own.width - 8))}px`;
  tip.style.top = `${Math.max(8, Math.min(top, innerHeight - own.height - 8))}px`;
}

function show(element) {
  clearTimeout(leaving);
  clearTimeout(coming);
  if (owner === element) return;
  hide();
  owner = element;
  tip.textContent = element.dataset.tip;
  element.setAttribute("aria-describedby", tip.id);
  tip.showPopover();
  place();
}

function hide() {
  clearTimeout(coming);
  if (!owner) return;
  if (owner.getAttribute("aria-describedby") === tip.id) owner.removeAttribute("aria-describedby");
  owner = null;
  if (tip.matches(":popover-open")) tip.hidePopover();
}

const tipped = (event) => event.target.closest?.("[data-tip]");

document.addEventListener("pointerover", (event) => {
  if (event.pointerType === "touch") return;
  const element = tipped(event);
  if (element) coming = setTimeout(() => element.isConnected && show(element), owner ? 0 : 150);
  else if (event.target.closest?.("#tooltip")) clearTimeout(leaving);
});
document.addEventListener("pointerout", (event) => {
  if (event.pointerType === "touch") return;
  if (tipped(event) || event.target.closest?.("#tooltip")) {
    clearTimeout(coming);
    clearTimeout(leaving);
    leaving = setTimeout(() => owner?.matches(":focus-visible") || hide(), 150);
  }
});
document.addEventListener("focusin", (event) => {
  const element = tipped(event);
  if (element?.matches(":focus-visible")) show(element);
  else if (!element) hide();
});
document.addEventListener("focusout", (event) => tipped(event) && hide());
document.addEventListener("click", (event) => {
  const element = tipped(event);
  if (element?.classList.contains("tick")) show(element);
  else hide();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && owner) {
    hide();
    event.stopImmediatePropagation();
  }
}, true);
addEventListener("scroll", hide, true);
