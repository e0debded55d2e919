// Ctrl K, or the button in the rail: find and do anything. The focus stays in the field; arrows choose, Enter goes there.

const dialog = document.getElementById("palette");
const input = document.getElementById("palette-input");
const status = dialog.querySelector("[data-palette-status]");
const options = () => [...dialog.querySelectorAll(".palette__option")];
const chosen = () => options().find((one) => one.getAttribute("aria-selected") === "true");
const words = () => input.value.split(/\s+/).filter(Boolean).join(" ");
const asked = () => document.getElementById("palette-results").dataset.q;
let came = null;
let isWaiting = false;

function open() {
  if (dialog.open) return input.select();
  came = document.activeElement;
  for (const popover of document.querySelectorAll("[popover]:popover-open")) popover.hidePopover();
  for (const other of document.querySelectorAll("dialog[open]")) other.close();
  dialog.showModal();
  input.value = "";
  input.focus();
  htmx.trigger(input, "parley:palette");
}

function choose(option) {
  for (const one of options()) one.setAttribute("aria-selected", String(one === option));
  if (option) {
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  } else input.removeAttribute("aria-activedescendant");
}

function move(by) {
  const every = options();
  if (!every.length) return;
  const at = every.findIndex((one) => one.getAttribute("aria-selected") === "true");
  choose(every[(at + by + every.length) % every.length]);
}

function run(option, event) {
  isWaiting = false;
  if (!option) return;
  const { command } = option.dataset;
  if (!command) {
    if (event?.ctrlKey || event?.metaKey) window.open(option.href, "_blank", "noopener");
    else location.assign(option.href);
    return;
  }
  dialog.close();
  const [what, value] = command.split(":");
  if (what === "theme") {
    const radio = document.querySelector(`[data-theme-choice] input[value="${CSS.escape(value)}"]`);
    radio.checked = true;
    radio.dispatchEvent(new Event("change", { bubbles: true }));
  } else if (what === "shortcuts") document.getElementById("shortcuts")?.showModal();
  else if (what === "sign-out") document.querySelector("form[data-sign-out]")?.requestSubmit();
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    if (dialog.open) dialog.close();
    else open();
  }
});

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open-palette]");
  if (opener && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    open();
  }
  const option = event.target.closest("#palette [data-command]");
  if (option) run(option);
});

input.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  isWaiting = false;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    event.preventDefault();
    move(step);
  } else if (event.key === "Home" || event.key === "End") {
    if (event.shiftKey || (input.value && !event.ctrlKey)) return; // in the text, as everywhere
    event.preventDefault();
    choose(options().at(event.key === "Home" ? 0 : -1));
  } else if (event.key === "Enter") {
    event.preventDefault();
    // What is on the screen may belong to an older question: then Enter waits for the answer to this one.
    if (asked() === words()) run(chosen(), event);
    else isWaiting = true;
  }
});

dialog.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id !== "palette-results") return;
  const every = options();
  choose(every[0]);
  status.textContent = every.length ? `${every.length} results` : "Nothing found";
  if (isWaiting && asked() === words()) run(chosen());
});

for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  dialog.addEventListener(name, () => {
    const note = document.createElement("p");
    note.className = "palette__none";
    note.textContent = "That did not work. Type on to try again.";
    document.getElementById("palette-results").replaceChildren(note);
    choose(null);
  });
}

dialog.addEventListener("close", () => {
  if (came?.isConnected) came.focus({ preventScroll: true });
  came = null;
});
