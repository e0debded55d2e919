// Writing: Enter sends, drafts are kept in this tab for each conversation, a counter near the limit, the field grows with its text.

const NEAR_LIMIT = 0.8;
const composer = () => document.getElementById("composer");
const field = () => document.getElementById("composer-body");
const key = (form, name) => `parley:draft:${form.dataset.composer}:${name}`;
const mode = (form) => form.querySelector("[name=mode]:checked")?.value ?? "reply";

function keep() {
  const form = composer();
  const text = field().value;
  if (text.trim()) {
    sessionStorage.setItem(key(form, "text"), text);
    sessionStorage.setItem(key(form, "mode"), mode(form));
  } else forget(form);
}

function forget(form) {
  sessionStorage.removeItem(key(form, "text"));
  sessionStorage.removeItem(key(form, "mode"));
}

function setMode(form, value) {
  const choice = form.querySelector(`[name=mode][value=${value}]`);
  if (choice) choice.checked = true;
}

function fit() {
  const text = field();
  if (!text || CSS.supports("field-sizing", "content")) return;
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight}px`;
}

function count() {
  const form = composer();
  const output = document.getElementById("composer-counter");
  const limit = Number(form.dataset.maxLength);
  const left = limit - [...field().value].length;
  const near = mode(form) === "reply" && limit > 0 && left < limit * (1 - NEAR_LIMIT);
  output.hidden = !near;
  output.classList.toggle("is-over", left < 0);
  output.textContent = near ? (left < 0 ? `${-left} too many` : `${left} left`) : "";
  for (const button of form.querySelectorAll("button[type=submit][data-for=reply]")) button.toggleAttribute("data-too-long", near && left < 0);
}

function placeholder() {
  const text = field();
  text.dataset.placeholder ??= text.placeholder;
  text.placeholder = mode(composer()) === "note" ? "Write a note for your team" : text.dataset.placeholder;
}

const hasFiles = (form) => form.querySelector("#composer-files input[name=files]") !== null || Boolean(form.querySelector("#composer-file")?.files.length);

function begin() {
  const form = composer();
  if (!form) return;
  const text = field();
  if (!text.value && !form.dataset.emptied) {
    const draft = sessionStorage.getItem(key(form, "text"));
    if (draft) {
      text.value = draft;
      setMode(form, sessionStorage.getItem(key(form, "mode")) ?? "reply");
    }
  }
  fit();
  count();
  placeholder();
}

function send() {
  const form = composer();
  const button = form.querySelector(`button[type=submit][data-for=${mode(form)}]`);
  if ((field().value.trim() || hasFiles(form)) && button && !button.disabled && !button.hasAttribute("data-too-long")) button.click(); // a click, so that HTMX knows which button's address to use
}

document.addEventListener("keydown", (event) => {
  if (event.target.id !== "composer-body" || event.key !== "Enter") return;
  // While an input method composes, Enter chooses a word (keyCode 229: browsers that end the composition first).
  if (event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  send();
});
document.addEventListener("input", (event) => {
  if (event.target.id !== "composer-body") return;
  document.getElementById("composer-error").replaceChildren();
  event.target.removeAttribute("aria-invalid");
  keep();
  fit();
  count();
});
document.addEventListener("change", (event) => {
  if (event.target.name !== "mode" || !event.target.closest("#composer")) return;
  keep();
  count();
  placeholder();
});
document.addEventListener("submit", (event) => {
  if (event.target.id !== "composer") return;
  if (event.submitter?.hasAttribute("formnovalidate")) return;
  const isEmpty = !field().value.trim() && !(mode(event.target) === "reply" && hasFiles(event.target));
  if (isEmpty || event.submitter?.hasAttribute("data-too-long") || event.target.querySelector(".chip.is-busy")) event.preventDefault();
}, true);

// What was taken back can be put right: its text returns to an empty field.
document.addEventListener("htmx:beforeRequest", (event) => {
  const undo = event.target.closest?.("[data-undo]");
  const message = undo?.closest("[data-message]");
  if (!message) return;
  const text = message.querySelector(".bubble__body").textContent;
  undo.addEventListener("htmx:afterRequest", (done) => {
    const taken = /data-status="cancelled"/.test(done.detail.xhr.responseText);
    if (!taken || !field() || field().value) return;
    setMode(composer(), "reply");
    field().value = text;
    field().dispatchEvent(new Event("input", { bubbles: true }));
    field().focus();
  }, { once: true });
});

// The answer is a new composer: empty with the message just made, or the same text with what is wrong.
document.addEventListener("htmx:load", (event) => {
  const form = event.target.closest?.("#composer") ?? event.target.querySelector?.("#composer");
  if (!form) return;
  if (form.dataset.emptied) forget(form);
  begin();
  delete form.dataset.emptied;
  const added = form.querySelector("template[data-merge-messages]");
  if (added) {
    const nodes = [...document.importNode(added.content, true).querySelectorAll("[data-message]")];
    added.remove();
    document.dispatchEvent(new CustomEvent("parley:messages", { detail: { nodes, follow: true } }));
  }
  if (event.target === form) field().focus();
});
begin();
