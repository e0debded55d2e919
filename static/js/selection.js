// Choosing customers: one by one, a range with Shift, the page, or all that match; the bar for them rises at the foot.

const bar = () => document.getElementById("bulk");
const boxes = () => [...document.querySelectorAll("#customer-rows [data-choose]")];
const dialog = document.getElementById("bulk-confirm");
const place = document.getElementById("bulk-job");
let last = null;
let all = false;

function update() {
  const form = bar();
  if (!form) return;
  const every = boxes();
  const chosen = every.filter((box) => box.checked);
  const total = Number(form.dataset.count);
  if (all && chosen.length < every.length) all = false;
  for (const box of every) box.closest("tr").classList.toggle("is-chosen", box.checked);
  const page = document.querySelector("[data-choose-page]");
  if (page) {
    page.checked = every.length > 0 && chosen.length === every.length;
    page.indeterminate = chosen.length > 0 && !page.checked;
  }
  const more = form.querySelector("[data-choose-all]");
  more.hidden = all || chosen.length < every.length || total <= every.length;
  form.querySelector("[data-all]").checked = all;
  const words = all ? (total > 1000 ? "All that match are selected" : `All ${total} selected`) : `${chosen.length} selected`;
  const told = form.querySelector("[data-chosen]");
  if (told.textContent !== words) told.textContent = words;
  form.classList.toggle("is-up", all || chosen.length > 0);
}

// The ids of many are too long for an address.
function exportChosen(link) {
  const form = document.createElement("form");
  form.method = "post";
  form.action = link.href;
  form.append(hidden("ids", boxes().filter((box) => box.checked).map((box) => box.value).join(",")));
  form.append(hidden("csrfmiddlewaretoken", bar().elements.csrfmiddlewaretoken.value));
  document.body.append(form);
  form.submit();
  form.remove();
}

function hidden(name, value) {
  const input = document.createElement("input");
  Object.assign(input, { type: "hidden", name, value });
  return input;
}

function choose(checked) {
  for (const box of boxes()) box.checked = checked;
  all = all && checked;
  update();
}

document.addEventListener("click", (event) => {
  const box = event.target.closest("[data-choose]");
  if (box) {
    const every = boxes();
    const [from, to] = [every.indexOf(last), every.indexOf(box)].sort((a, b) => a - b);
    if (event.shiftKey && from >= 0) for (const one of every.slice(from, to + 1)) one.checked = box.checked;
    last = box;
    update();
  } else if (event.target.closest("[data-choose-page]")) choose(event.target.checked);
  else if (event.target.closest("[data-choose-all]")) {
    all = true;
    choose(true);
    bar().querySelector("button[popovertarget], .bulk-bar__actions button")?.focus();
  } else if (event.target.closest("[data-choose-none]")) {
    choose(false);
    document.querySelector("[data-choose-page]")?.focus();
  } else if (!all && event.target.closest("[data-export-chosen]")) {
    event.preventDefault();
    exportChosen(event.target.closest("[data-export-chosen]"));
  } else if (event.target.closest("[data-close-job]")) place.replaceChildren();
  else if (event.target.closest("[data-close-dialog]") && dialog.open) {
    event.preventDefault();
    dialog.close();
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || !bar()?.classList.contains("is-up")) return;
  if (document.querySelector("dialog[open], [popover]:not(#tooltip):popover-open") || event.target.closest?.("#side-panel, input:not([type=checkbox])")) return;
  event.preventDefault();
  choose(false);
});

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id === "bulk-confirm" && !dialog.open && dialog.childElementCount) dialog.showModal();
  if (event.target.closest?.("#customer-rows")) {
    if (all) choose(true); // what has just been loaded matches too
    else update();
  }
});

document.body.addEventListener("parley:bulk-started", () => {
  if (dialog.open) dialog.close();
  dialog.replaceChildren();
  for (const popover of document.querySelectorAll("#bulk [popover]:popover-open")) popover.hidePopover();
  choose(false);
});

document.addEventListener("parley:list-shown", () => {
  all = false;
  last = null;
  update();
});
document.addEventListener("parley:list-rows", update);
addEventListener("pageshow", update);
update();
