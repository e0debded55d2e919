// Templates in the composer: the button or "/" in an empty reply opens the list; a choice stands in the field, to be read and sent.

const field = () => document.getElementById("composer-body");
const list = () => document.getElementById("composer-templates");
const find = () => list()?.querySelector("input");
const offers = () => [...list().querySelectorAll("button.template-offer, a.template-offer")];

// An approved template is filled in and sent from a dialog of its own.
function fill(url) {
  const dialog = document.getElementById("template-dialog");
  list().hidePopover();
  htmx.ajax("GET", url, { target: "#template-dialog-body", swap: "innerHTML" }).then(() => {
    if (!dialog.open) dialog.showModal();
    dialog.querySelector("input:not([type=hidden])")?.focus();
  });
}

// The template that a text came from is told with it, and its files stand beside those of one's own.
function take(id = "", files = "") {
  const input = document.getElementById("composer-template");
  input.value = id;
  input.dataset.files = files;
  const chips = document.getElementById("composer-files");
  for (const old of chips.querySelectorAll("[data-template-file]")) old.remove();
  for (const name of files.split("|").filter(Boolean)) {
    const item = document.createElement("li");
    item.className = "chip";
    item.dataset.templateFile = "";
    item.textContent = name;
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "chip__remove";
    remove.setAttribute("aria-label", "Leave out the template’s files");
    remove.textContent = "×";
    remove.dataset.leaveTemplate = "";
    item.append(remove);
    chips.append(item);
  }
}

document.addEventListener("input", (event) => {
  if (event.target.id === "composer-body" && !event.target.value.trim()) take();
});
document.addEventListener("click", (event) => {
  if (!event.target.closest?.("[data-leave-template]")) return;
  take();
  field().dispatchEvent(new Event("input", { bubbles: true }));
});
// A draft was put into the form.
document.addEventListener("parley:draft", (event) => {
  if (event.detail.form.id === "composer-reply") take(event.detail.template, event.detail.files);
});

function put(offer) {
  const text = field();
  const subject = document.getElementById("composer-subject");
  if (subject && offer.dataset.templateSubject && !subject.value.startsWith("Re:")) subject.value = offer.dataset.templateSubject;
  take(offer.dataset.templateId, offer.dataset.templateFiles);
  text.setRangeText(offer.dataset.templateBody, text.selectionStart, text.selectionEnd, "end");
  list().hidePopover();
  text.dispatchEvent(new Event("input", { bubbles: true }));
  text.focus();
}

document.addEventListener("click", (event) => {
  const offer = event.target.closest("button.template-offer, a.template-offer");
  if (offer?.dataset.templateFill && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    fill(offer.dataset.templateFill);
  } else if (offer?.matches("button")) put(offer);
  if (event.target.closest("#template-dialog [data-close-dialog]")) {
    event.preventDefault();
    document.getElementById("template-dialog").close();
  }
});
// What was sent is in the thread: the answer is a new composer.
document.addEventListener("htmx:load", (event) => {
  if (event.target.id === "composer-reply") document.getElementById("template-dialog")?.close();
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
      all[0].click();
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
