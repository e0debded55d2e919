// What is being written is saved on the server while it is written: one draft for each conversation and mode, in every browser of its writer.
// Saves of a draft go one after another, each over the version that the one before gave; a sent text can't come back by a late one.

const WAIT = 600;
const drafts = new Map(); // by the draft's address
const token = () => JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
const forms = () => document.querySelectorAll("#composer form[data-write]");
const formOf = (url) => [...forms()].find((form) => form.dataset.draftUrl === url);
const NAMES = ["body", "subject", "cc", "template"];

// `files`, the names of the template's, goes along to be shown.
const only = (values) => Object.fromEntries(NAMES.map((name) => [name, values[name] ?? ""]));

function valuesOf(form) {
  const values = Object.fromEntries(NAMES.map((name) => [name, form.elements[name]?.value ?? ""]));
  return { ...values, files: form.elements.template?.dataset.files ?? "" };
}

// As the server gave it, whatever was typed since.
function defaultsOf(form) {
  return Object.fromEntries(NAMES.map((name) => [name, form.elements[name]?.defaultValue ?? ""]));
}

function put(form, values) {
  for (const name of NAMES) if (form.elements[name]) form.elements[name].value = values[name] ?? "";
  document.dispatchEvent(new CustomEvent("parley:draft", { detail: { form, template: values.template, files: values.files ?? "" } }));
}

const isSame = (a, b) => NAMES.every((name) => (a[name] ?? "") === (b[name] ?? ""));
const isUnsaved = (draft) => !isSame(draft.now, draft.saved);

function say(draft, elsewhere) {
  draft.elsewhere = elsewhere;
  const note = formOf(draft.url)?.querySelector("[data-elsewhere]");
  if (note) note.hidden = !elsewhere;
}

// What the reply would cost as it was saved.
function showCost(draft, cost) {
  const note = formOf(draft.url)?.querySelector("#composer-cost");
  if (!note) return;
  note.hidden = !cost;
  note.textContent = cost?.text ?? "";
  if (cost) note.dataset.tip = cost.reason;
  else delete note.dataset.tip;
}

// Waits for nothing: the page may be on its way out (`keepalive`).
async function save(draft) {
  clearTimeout(draft.timer);
  draft.timer = 0;
  if (draft.busy || draft.sending || draft.elsewhere || !isUnsaved(draft)) return;
  draft.busy = true;
  const { turn } = draft;
  const values = { ...draft.now };
  try {
    const body = new URLSearchParams({ ...only(values), version: draft.version });
    const keepalive = body.toString().length < 60_000;
    const answer = await fetch(draft.url, { method: "POST", body, keepalive, headers: { "X-CSRFToken": token() } });
    if (draft.turn !== turn) return; // it was sent meanwhile: what this says is over
    const there = answer.ok || answer.status === 409 ? await answer.json() : null;
    if (draft.turn !== turn || !there) return;
    if (answer.ok) {
      Object.assign(draft, { version: there.version, saved: values });
      showCost(draft, there.cost);
    }
    else if (isSame(there, draft.now)) Object.assign(draft, { version: there.version, saved: { ...draft.now } });
    else say(draft, there);
  } catch {
    // no connection: the next word tries again
  } finally {
    draft.busy = false;
    if (draft.turn === turn && !draft.timer && isUnsaved(draft) && !draft.elsewhere) draft.timer = setTimeout(() => save(draft), 4 * WAIT);
  }
}

function flush() {
  for (const draft of drafts.values()) save(draft);
}

// A form that came from the server: what is there, unless this page knows something newer.
function meet(form) {
  const url = form.dataset.draftUrl;
  const version = Number(form.dataset.draftVersion);
  const now = valuesOf(form);
  const known = drafts.get(url) ?? { url, turn: 0, busy: false, timer: 0, elsewhere: null, sending: true };
  drafts.set(url, known);
  if ("refused" in form.dataset) {
    delete form.dataset.refused;
    Object.assign(known, { sending: false, version, now, saved: {} });
    save(known);
  } else if (known.sending) Object.assign(known, { sending: false, version, now, saved: defaultsOf(form), elsewhere: null });
  else if (isUnsaved(known) || known.busy || version < known.version) put(form, known.now);
  else Object.assign(known, { version, now, saved: defaultsOf(form) });
  say(known, known.elsewhere);
}

// Another window of the same person may have gone on writing, or have sent it.
async function look() {
  for (const form of forms()) {
    const draft = drafts.get(form.dataset.draftUrl);
    if (!draft || draft.busy || draft.sending || isUnsaved(draft)) continue;
    try {
      const answer = await fetch(draft.url, { headers: { Accept: "application/json" } });
      if (!answer.ok) continue;
      const there = await answer.json();
      if (draft.busy || draft.sending || isUnsaved(draft) || there.version <= draft.version) continue;
      const values = { ...only(there), files: there.files };
      // A subject that was never written is the thread's.
      if (!values.subject && !values.body) values.subject = draft.now.subject ?? "";
      Object.assign(draft, { version: there.version, saved: values, now: { ...values } });
      const now = formOf(draft.url);
      if (now) put(now, values);
    } catch {
      // no connection: it stays as it is
    }
  }
}

document.addEventListener("input", (event) => {
  const form = event.target.closest?.("#composer form[data-write]");
  const draft = form && drafts.get(form.dataset.draftUrl);
  if (!draft) return;
  draft.now = valuesOf(form);
  clearTimeout(draft.timer);
  draft.timer = setTimeout(() => save(draft), WAIT);
});
document.addEventListener("change", (event) => {
  if (event.target.closest?.("#composer")) flush();
});
document.addEventListener("focusout", (event) => {
  if (event.target.closest?.("#composer")) flush();
});
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-draft-take], [data-draft-keep]");
  const form = button?.closest("form[data-write]");
  const draft = form && drafts.get(form.dataset.draftUrl);
  if (!draft?.elsewhere) return;
  const there = draft.elsewhere;
  say(draft, null);
  draft.version = there.version;
  draft.saved = { ...only(there), files: there.files };
  if (button.hasAttribute("data-draft-take")) {
    draft.now = { ...draft.saved };
    put(form, draft.now);
  }
  save(draft);
  form.elements.body.focus();
});
// While it is being sent nothing is saved; what was on its way is refused by its version, and its answer is let pass.
document.addEventListener("htmx:beforeRequest", (event) => {
  const draft = event.target.matches?.("#composer form[data-write]") && drafts.get(event.target.dataset.draftUrl);
  if (!draft) return;
  clearTimeout(draft.timer);
  Object.assign(draft, { timer: 0, sending: true, turn: draft.turn + 1 });
  event.target.elements.body.readOnly = true;
});
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target.matches?.("form[data-write]") ? event.target : null;
  const draft = form && drafts.get(form.dataset.draftUrl);
  if (!draft || event.detail.successful) return;
  draft.sending = false;
  form.elements.body.readOnly = false;
});
document.addEventListener("htmx:beforeSwap", flush);
document.addEventListener("htmx:load", () => forms().forEach(meet));
addEventListener("pagehide", flush);
addEventListener("focus", look);
document.addEventListener("visibilitychange", () => (document.visibilityState === "visible" ? look() : flush()));
addEventListener("pageshow", (event) => {
  if (event.persisted) look();
});
forms().forEach(meet);
