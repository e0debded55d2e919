// Single keys for who doesn't reach for the mouse. They rest while a field has the focus, and can be switched off (WCAG 2.1.4).

const STORE = "parley:single-keys";
const dialog = document.getElementById("shortcuts");
const toggle = dialog?.querySelector("[data-single-keys]");

const on = () => localStorage.getItem(STORE) !== "off";
if (toggle) {
  toggle.checked = on();
  toggle.addEventListener("change", () => localStorage.setItem(STORE, toggle.checked ? "on" : "off"));
}

function step(by) {
  // A page with a list of its own moves in it by itself.
  if (!document.dispatchEvent(new CustomEvent("parley:step", { detail: { by }, cancelable: true }))) return;
  const links = [...document.querySelectorAll("#conversation-rows .row__link")];
  if (!links.length) return;
  const at = links.findIndex((link) => link.getAttribute("aria-current") === "true");
  const next = links[at < 0 ? 0 : Math.max(0, Math.min(links.length - 1, at + by))];
  next.scrollIntoView({ block: "nearest" });
  next.focus();
  if (links.indexOf(next) !== at) next.click();
}

function write(mode) {
  const choice = document.querySelector(`#composer input[type=radio][name=mode][value=${mode}]`);
  if (!choice) return;
  choice.checked = true;
  choice.dispatchEvent(new Event("change", { bubbles: true }));
  document.getElementById(`composer-${mode}`)?.elements.body.focus();
}

const keys = {
  j: () => step(1),
  k: () => step(-1),
  r: () => write("reply"),
  n: () => write("note"),
  e: () => document.getElementById("resolve-or-reopen")?.click(),
  i: () => document.getElementById("toggle-customer")?.click(),
  "/": () => document.querySelector("[type=search]")?.focus(),
  "?": () => dialog?.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const typing = event.target.closest?.("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]");
  if (typing) {
    if (event.key === "Escape" && event.target.closest("#composer, [role=search]")) event.target.blur();
    return;
  }
  if (!on() || document.querySelector("dialog[open], [popover]:not(#tooltip):popover-open")) return;
  const action = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (action) {
    event.preventDefault();
    action();
  }
});
