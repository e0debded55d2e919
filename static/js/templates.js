// Templates in the composer: the button or "/" in an empty reply opens the list; a choice stands in the field, to be read and sent.

const field = () => document.getElementById("composer-body");
const list = () => document.getElementById("composer-templates");
const find = () => list()?.querySelector("input");
const offers = () => [...list().querySelectorAll("button.toffer")];

function put(offer) {
  const text = field();
  const subject = document.getElementById("composer-subject");
  if (subject && offer.dataset.templateSubject && !subject.value.startsWith("Re:")) subject.value = offer.dataset.templateSubject;
  text.setRangeText(offer.dataset.templateBody, text.selectionStart, text.selectionEnd, "end");
  list().hidePopover();
  text.dispatchEvent(new Event("input", { bubbles: true }));
  text.focus();
}

document.addEventListener("click", (event) => {
  const offer = event.target.closest("button.toffer");
  if (offer) put(offer);
});

document.addEventListener("keydown", (event) => {
  if (event.target.id === "composer-body" && event.key === "/" && !event.target.value && list() && !event.isComposing) {
    event.preventDefault();
    document.querySelector("[popovertarget=composer-templates]").click();
    return;
  }
  const inside = event.target.closest?.("#composer-templates");
  if (!inside || !["ArrowDown", "ArrowUp", "Enter"].includes(event.key)) return;
  const all = offers();
  const at = all.indexOf(document.activeElement);
  if (event.key === "Enter") {
    if (at < 0 && all.length) {
      event.preventDefault();
      put(all[0]);
    }
    return;
  }
  event.preventDefault();
  const next = event.key === "ArrowDown" ? all[at + 1] ?? all[0] : at > 0 ? all[at - 1] : find();
  next?.focus();
});

document.addEventListener("toggle", (event) => {
  if (event.target.id !== "composer-templates") return;
  if (event.newState === "open") find().focus();
  else field()?.focus();
}, true);
