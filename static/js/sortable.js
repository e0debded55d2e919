// A list that is put in order by its grips, with mouse, pen or finger; the buttons beside them do the same by key.
// [data-sortable-list] holds [data-sortable-item="<id>"] with a [data-grip]; the form around it is told "sorted" with order=<id>… in it.

let held = null; // { item, list, form, from, startY, order }

const items = (list) => [...list.querySelectorAll("[data-sortable-item]")];

document.addEventListener("pointerdown", (event) => {
  const grip = event.target.closest("[data-grip]");
  if (!grip || event.button !== 0 || held) return;
  event.preventDefault();
  const item = grip.closest("[data-sortable-item]");
  const list = item.closest("[data-sortable-list]");
  held = { item, list, pointer: event.pointerId, grabbed: event.clientY - item.getBoundingClientRect().top, order: items(list) };
  grip.setPointerCapture(event.pointerId);
  item.classList.add("is-lifted");
  list.classList.add("is-sorting");
});

document.addEventListener("pointermove", (event) => {
  if (!held || event.pointerId !== held.pointer) return;
  const { item, list } = held;
  const middle = event.clientY - held.grabbed + item.offsetHeight / 2;
  const others = items(list).filter((one) => one !== item);
  const after = others.find((one) => {
    const box = one.getBoundingClientRect();
    return middle < box.top + box.height / 2;
  });
  if ((after ?? null) !== item.nextElementSibling) list.insertBefore(item, after ?? null);
  item.style.translate = "none";
  item.style.translate = `0 ${event.clientY - held.grabbed - item.getBoundingClientRect().top}px`;
});

function drop(event, isKept) {
  if (!held || (event.pointerId !== undefined && event.pointerId !== held.pointer)) return;
  const { item, list, order } = held;
  held = null;
  item.classList.remove("is-lifted");
  list.classList.remove("is-sorting");
  item.style.translate = "";
  if (!isKept) list.append(...order);
  else if (items(list).some((one, at) => one !== order[at])) send(list);
}

function send(list) {
  const form = list.closest("form");
  for (const old of form.querySelectorAll("input[name=order]")) old.remove();
  for (const item of items(list)) {
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = "order";
    field.value = item.dataset.sortableItem;
    form.append(field);
  }
  form.dispatchEvent(new CustomEvent("sorted"));
}

document.addEventListener("pointerup", (event) => drop(event, true));
document.addEventListener("pointercancel", (event) => drop(event, false));
document.addEventListener("keydown", (event) => {
  if (held && event.key === "Escape") drop({}, false);
});

// The button that moved a line keeps the focus; at the end of the list its twin takes it.
let pressed = "";
document.addEventListener("submit", (event) => {
  if (event.target.querySelector("[data-sortable-list]")) pressed = event.submitter?.id ?? "";
});
document.addEventListener("htmx:afterSettle", () => {
  const button = pressed && document.getElementById(pressed);
  pressed = "";
  if (!button) return;
  (button.disabled ? button.parentElement.querySelector("button:not(:disabled)") : button)?.focus();
  document.getElementById("announcer").textContent = "Moved.";
});
