// Small helps in forms: show a password, copy a value, open a dialog, don't send twice.

document.addEventListener("click", async (event) => {
  const show = event.target.closest(".password__show");
  if (show) {
    const input = show.parentElement.querySelector("input");
    const visible = input.type === "password";
    input.type = visible ? "text" : "password";
    show.setAttribute("aria-pressed", String(visible));
    input.focus();
    return;
  }
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    try {
      await navigator.clipboard.writeText(copy.dataset.copy);
      tell("Copied");
    } catch {
      tell("Your browser did not allow copying.", "error");
    }
    return;
  }
  const opener = event.target.closest("[data-open-dialog]");
  if (opener) {
    opener.closest("[popover]")?.hidePopover();
    document.getElementById(opener.dataset.openDialog)?.showModal();
  }
});

// A dialog closes when its backdrop is pressed.
document.addEventListener("click", (event) => {
  if (event.target instanceof HTMLDialogElement && event.target.open) {
    const box = event.target.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside && event.detail) event.target.close();
  }
});

// A form that leaves the page is sent once, however often its button is pressed; one that downloads a file stays.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.hasAttribute("data-download") || event.defaultPrevented || form.closest("[hx-post]") || form.querySelector("[hx-post]")) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "true";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// After a refused form the first wrong field has the focus.
document.querySelector(".field [aria-invalid='true']")?.focus();

function tell(text, level = "success") {
  document.dispatchEvent(new CustomEvent("parley:toast", { detail: { text, level } }));
}
