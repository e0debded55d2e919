// A click puts a placeholder where the text was last written in. Fields may come and go while the page is open.

const TAKES = "[data-takes-placeholders]";
let last = null;

const current = () => (last?.isConnected ? last : document.querySelector(`textarea${TAKES}`) ?? document.querySelector(TAKES));

document.addEventListener("focusin", (event) => {
  if (event.target.matches?.(TAKES)) last = event.target;
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-placeholder]");
  const field = button && current();
  if (!field) return;
  field.setRangeText(`{{ ${button.dataset.placeholder} }}`, field.selectionStart, field.selectionEnd, "end");
  field.focus();
  field.form.dispatchEvent(new CustomEvent("placeholder-added", { bubbles: true }));
});
