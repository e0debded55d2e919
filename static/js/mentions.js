// Naming colleagues in a note: "@" opens a list of people and teams, narrowed while one types; arrows, Enter or Tab, Escape, or a click.

const WAIT = 120;
const QUERY = /(?:^|[\s(])@([^@\n]{0,40})$/u;
const list = () => document.getElementById("mention-offers");
const field = () => document.getElementById("composer-note-body");
const options = () => [...(list()?.querySelectorAll("[role=option]") ?? [])];
let timer = 0;
let turn = 0;
// What was chosen last stands in the text, with a space behind it: it opens no list again.
let chosen = "";

function query() {
  const text = field();
  if (!text || text.selectionStart !== text.selectionEnd) return null;
  const match = QUERY.exec(text.value.slice(0, text.selectionStart));
  if (match && chosen && match[1].startsWith(chosen)) return null;
  // Two words at most: a full name.
  return match && match[1].split(/\s+/).length <= 3 ? match[1] : null;
}

function close() {
  clearTimeout(timer);
  turn += 1;
  const offers = list();
  if (!offers || offers.hidden) return;
  offers.hidden = true;
  offers.replaceChildren();
  field()?.setAttribute("aria-expanded", "false");
  field()?.removeAttribute("aria-activedescendant");
}

function choose(option) {
  for (const one of options()) one.setAttribute("aria-selected", String(one === option));
  field().setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

async function look(wanted) {
  const offers = list();
  const mine = (turn += 1);
  const answer = await fetch(`${offers.dataset.url}?${new URLSearchParams({ q: wanted })}`, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok || mine !== turn || query() === null) return;
  const html = await answer.text();
  if (mine !== turn) return;
  offers.innerHTML = html;
  const all = options();
  offers.hidden = !all.length;
  field().setAttribute("aria-expanded", String(all.length > 0));
  if (all.length) choose(all[0]);
  else field().removeAttribute("aria-activedescendant");
}

function put(option) {
  const text = field();
  const wanted = query();
  if (wanted === null) return close();
  const start = text.selectionStart - wanted.length;
  chosen = `${option.dataset.mention} `;
  text.setRangeText(`${option.dataset.mention} `, start, text.selectionStart, "end");
  close();
  text.dispatchEvent(new Event("input", { bubbles: true }));
  text.focus();
}

document.addEventListener("input", (event) => {
  if (event.target !== field() || !list()) return;
  const wanted = query();
  if (wanted === null) return close();
  clearTimeout(timer);
  timer = setTimeout(() => look(wanted), WAIT);
});
// Before the composer, which sends by Enter.
document.addEventListener("keydown", (event) => {
  if (event.target !== field() || !list() || list().hidden || event.isComposing) return;
  const all = options();
  const at = all.findIndex((one) => one.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") choose(all.at((at + (event.key === "ArrowDown" ? 1 : -1)) % all.length));
  else if ((event.key === "Enter" || event.key === "Tab") && all[at] && !event.shiftKey) put(all[at]);
  else if (event.key === "Escape") close();
  else return;
  event.preventDefault();
  event.stopPropagation();
}, true);
document.addEventListener("mousedown", (event) => {
  const option = event.target.closest?.("#mention-offers [role=option]");
  if (!option) return;
  event.preventDefault(); // the field keeps the focus
  put(option);
});
document.addEventListener("focusout", (event) => {
  if (event.target === field()) close();
});
