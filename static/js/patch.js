// What changed on the server, put into the page that is open: asked for once for several changes, and only where it says something else.
// The focus, what is being written and what is being saved stay. No other script asks for parts of its own page or takes elements' places.

const QUIET = /\s+/g;

// --- asking ----------------------------------------------------------------------------------------------------------

// Gives a function that wants something done: `milliseconds` later, once for all who wanted it meanwhile, and never twice at the same time.
export function gather(milliseconds, work) {
  let timer = 0;
  let isBusy = false;
  let isWanted = false;

  async function run() {
    if (isBusy) {
      isWanted = true;
      return;
    }
    isBusy = true;
    isWanted = false;
    try {
      await work();
    } catch {
      // The next signal, or the next look at the page, brings it.
    }
    isBusy = false;
    if (isWanted) want();
  }

  function want() {
    clearTimeout(timer);
    timer = setTimeout(run, milliseconds);
  }
  return want;
}

// The page at an address, or nothing where there is none to be had. `values`, which may be many, go in the body.
export async function fetchPage(url, values = null, headers = {}) {
  const options = { credentials: "same-origin", redirect: "error", headers };
  if (values) Object.assign(options, posted(values, headers));
  const answer = await fetch(url, options);
  return answer.ok ? parse(await answer.text()) : null;
}

// How a request is made whose values are too many for an address.
export function posted(values, headers = {}) {
  const token = JSON.parse(document.body.getAttribute("hx-headers"));
  return { method: "POST", body: new URLSearchParams(values), headers: { ...token, ...headers } };
}

export const parse = (text) => new DOMParser().parseFromString(text, "text/html");

// --- comparing -------------------------------------------------------------------------------------------------------

export const words = (element) => element.textContent.replace(QUIET, "");

// What an element says: its words, what is entered, chosen and current, and which `rows` are in it. `passing` elements don't count: that a field
// has just been saved is not said by the server again, and is no reason to take it away.
export function says(element, { passing = ".saved", rows = "" } = {}) {
  const copy = element.cloneNode(true);
  for (const one of copy.querySelectorAll(passing)) one.remove();
  const marks = [...copy.querySelectorAll("input:not([type=hidden]), option[selected], [aria-current]")];
  const ids = rows ? [...copy.querySelectorAll(rows)].map((one) => one.id) : [];
  return [words(copy), ...marks.map((one) => one.getAttribute("value") ?? one.textContent.trim()), ...ids].join("\n");
}

// --- putting ---------------------------------------------------------------------------------------------------------

// What is being saved in it would answer to nobody.
export const isSaving = (element) => element.matches(".htmx-request") || Boolean(element.querySelector(".htmx-request"));

// Calls once what is being saved has been.
export const onceSaved = (then) => document.body.addEventListener("htmx:afterSettle", then, { once: true });

// Puts `fresh`, of this page or another, where `old` is. What had the focus in it has it again, by its id or its address; else `otherwise`, a selector.
export function put(old, fresh, otherwise = "") {
  const node = document.importNode(fresh, true);
  const focused = focusIn(old);
  old.replaceWith(node);
  htmx.process(node);
  refocus(focused, node, otherwise);
  return node;
}

// What has the focus in an element that may be about to go; for `refocus`.
export const focusIn = (element) => (element?.contains(document.activeElement) ? document.activeElement : null);

export function refocus(focused, node, otherwise = "") {
  if (!focused) return;
  const href = focused.getAttribute("href");
  const again = (focused.id && document.getElementById(focused.id)) || (href && node.querySelector(`[href="${CSS.escape(href)}"]`));
  (again || (otherwise && node.querySelector(otherwise)) || null)?.focus({ preventScroll: true });
}
