// Why somebody is lost: one question for boards and forms. A form's server sends it as a dialog where a change lacks the answer.

// Opens the dialog; gives the reason and the words, or nothing where somebody thought better of it.
export function ask(dialog) {
  const form = dialog.querySelector("form");
  const error = dialog.querySelector("[data-lost-error]");
  form.reset();
  error.hidden = true;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    const submit = (event) => {
      const data = new FormData(form);
      if (data.get("reason") || data.get("words").trim()) return;
      event.preventDefault();
      error.hidden = false;
      form.elements.words.focus();
    };
    form.addEventListener("submit", submit);
    dialog.addEventListener(
      "close",
      () => {
        form.removeEventListener("submit", submit);
        const data = new FormData(form);
        resolve(dialog.returnValue === "move" ? { reason: data.get("reason") ?? "", words: data.get("words") } : null);
      },
      { once: true },
    );
  });
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-lost-cancel]")) event.target.closest("dialog").close("");
});

// The same change again, with the answer; or everything as it was.
document.addEventListener("htmx:afterRequest", async (event) => {
  const dialog = document.querySelector("dialog[data-lost-asked]:not([open])");
  if (!dialog) return;
  const { elt, path, parameters } = event.detail.requestConfig;
  const asked = Object.fromEntries(Object.entries(parameters));
  const why = await ask(dialog);
  dialog.remove();
  // A live change may have put another form in its place.
  const form = elt.isConnected || !elt.id ? elt : document.getElementById(elt.id);
  if (why) htmx.ajax("POST", path, { source: form, values: { ...asked, ...why } });
  else form?.reset();
});
