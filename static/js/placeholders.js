// A click puts a placeholder where the text was last written in.

const form = document.getElementById("template-form");
const fields = [...(form?.querySelectorAll("[data-takes-placeholders]") ?? [])];
let last = form?.elements.body ?? fields[0];

for (const field of fields) field.addEventListener("focus", () => { last = field; });
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-placeholder]");
  if (!button || !last) return;
  last.setRangeText(`{{ ${button.dataset.placeholder} }}`, last.selectionStart, last.selectionEnd, "end");
  last.focus();
  form.dispatchEvent(new CustomEvent("placeholder-added", { bubbles: true }));
});
