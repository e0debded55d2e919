// Writing: a form for replies and one for notes, of which one shows. Enter sends, a counter near the limit, the field grows with its text.
// What is written is kept by static/js/drafts.js.

const NEAR_LIMIT = 0.8;
const composer = () => document.getElementById("composer");
const mode = () => composer()?.querySelector("input[type=radio][name=mode]:checked")?.value ?? "reply";
const formOf = (wanted) => document.getElementById(`composer-${wanted}`);
const fieldOf = (form) => form.elements.body;
const isField = (element) => element.name === "body" && Boolean(element.closest?.("#composer form[data-write]"));

function setMode(value) {
  const choice = composer().querySelector(`input[type=radio][name=mode][value=${value}]`);
  if (choice) choice.checked = true;
}

function fit(form) {
  if (CSS.supports("field-sizing", "content")) return;
  const text = fieldOf(form);
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight}px`;
}

function count(form) {
  const output = form.querySelector("output");
  if (!output) return;
  const limit = Number(form.dataset.maxLength);
  const left = limit - [...fieldOf(form).value].length;
  const near = limit > 0 && left < limit * (1 - NEAR_LIMIT);
  output.hidden = !near;
  output.classList.toggle("is-over", left < 0);
  output.textContent = near ? (left < 0 ? `${-left} too many` : `${left} left`) : "";
  for (const button of form.querySelectorAll("button[data-submit]")) button.toggleAttribute("data-too-long", near && left < 0);
}

const hasFiles = (form) => form.querySelector("#composer-files input[name=files]") !== null || Boolean(form.querySelector("#composer-file")?.files.length);

function begin() {
  for (const form of composer()?.querySelectorAll("form[data-write]") ?? []) {
    fit(form);
    count(form);
  }
}

function send(form) {
  const button = form.querySelector("button[data-submit]");
  if ((fieldOf(form).value.trim() || hasFiles(form)) && button && !button.disabled && !button.hasAttribute("data-too-long")) button.click();
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !isField(event.target)) return;
  // While an input method composes, Enter chooses a word (keyCode 229: browsers that end the composition first).
  if (event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  send(event.target.form);
});
document.addEventListener("input", (event) => {
  if (!isField(event.target)) return;
  event.target.form.querySelector(".composer__error").replaceChildren();
  event.target.removeAttribute("aria-invalid");
  fit(event.target.form);
  count(event.target.form);
});
document.addEventListener("change", (event) => {
  if (event.target.matches?.("#composer input[type=radio][name=mode]")) begin();
});
document.addEventListener("parley:draft", begin);
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("#composer form[data-write]")) return;
  if (event.submitter?.hasAttribute("formnovalidate")) return;
  const isEmpty = !fieldOf(form).value.trim() && !hasFiles(form);
  if (isEmpty || event.submitter?.hasAttribute("data-too-long") || form.querySelector(".chip.is-busy")) {
    event.preventDefault();
    event.stopPropagation(); // HTMX would send it all the same
  }
}, true);

// What was taken back can be put right: its text returns to an empty field.
document.addEventListener("htmx:beforeRequest", (event) => {
  const undo = event.target.closest?.("[data-undo]");
  const message = undo?.closest("[data-message]");
  if (!message) return;
  const text = message.querySelector(".bubble__body").textContent;
  undo.addEventListener("htmx:afterRequest", (done) => {
    const taken = /data-status="cancelled"/.test(done.detail.xhr.responseText);
    const form = formOf("reply");
    if (!taken || !form || fieldOf(form).value) return;
    fieldOf(form).value = text;
    fieldOf(form).dispatchEvent(new Event("input", { bubbles: true }));
    if (isField(document.activeElement)) return; // somebody writes on: what they type must not land elsewhere
    setMode("reply");
    fieldOf(form).focus();
  }, { once: true });
});

// The answer is a new form: empty with the message just made, or the same text with what is wrong.
document.addEventListener("htmx:load", (event) => {
  begin();
  const form = event.target;
  if (!form.matches?.("#composer form[data-write]")) return;
  const added = form.querySelector("template[data-merge-messages]");
  if (added) {
    const nodes = [...document.importNode(added.content, true).querySelectorAll("[data-message]")];
    added.remove();
    document.dispatchEvent(new CustomEvent("parley:messages", { detail: { nodes, follow: true } }));
  }
  // The mode and the focus are the writer's: an answer that comes while they write a note must not take them to the reply.
  if (mode() === form.dataset.write) fieldOf(form).focus();
});
begin();
