// The page's address: what is read from it, what it becomes, and the steps of history. No other script reads or writes them.

// From the root, with the query.
export const here = () => location.pathname + location.search;
export const parameter = (name, otherwise = "") => new URLSearchParams(location.search).get(name) ?? otherwise;
export const samePlace = (url) => new URL(url, location.href).href === location.href;

// The page's own address with some parameters changed; an empty value takes one out.
export function withParameters(changes, query = location.search) {
  const pairs = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    if (value) pairs.set(name, value);
    else pairs.delete(name);
  }
  return location.pathname + (pairs.size ? `?${pairs}` : "");
}

// Another address with the page's own query.
export function withQuery(url) {
  const address = new URL(url, location.href);
  address.search = location.search;
  return address.href;
}

// What a form asks for, without what was left empty.
export function queryOf(form, submitter = null) {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form, submitter)) if (value !== "") query.append(name, value);
  return query;
}

// A new step of history, unless the page is there already.
export function push(url, state = {}) {
  if (!samePlace(url)) history.pushState(state, "", url);
}

// The same step under another address.
export function replace(url, state = history.state) {
  history.replaceState(state, "", url);
}

export const step = () => history.state;
export const back = () => history.back();
export const onReturn = (look) => addEventListener("popstate", look);

// --- a list whose whole state is its address -------------------------------------------------------------------------

const isPlain = (event) => event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
const sorted = (query) => {
  const pairs = new URLSearchParams(query);
  pairs.delete("open"); // the panel beside the list, see side_panel.js
  return pairs.toString();
};

// Links and forms with [data-list] change the part `#id` and the address, without a reload. The part says in its data what it shows: query, q, title.
// `search`: the field that its `q` stands in. `linkOrigin`, `formOrigin`: the id of what has the focus afterwards. `before` and `after` every change.
// Gives the function that shows an address: show(url, "push" | "replace" | "keep").
export function followList({ id, search, linkOrigin, formOrigin, before = () => {}, after = () => {} }) {
  const part = () => document.getElementById(id);
  let how = "replace"; // what the next answer does to the address
  let origin = "";
  let isRunning = false;
  let next = null; // asked for while another answer was on its way; of several the last

  async function show(url, then, from = "") {
    if (isRunning) {
      next = [url, then, from];
      return;
    }
    isRunning = true;
    how = then;
    origin = from;
    before();
    try {
      await htmx.ajax("GET", url, { target: `#${id}`, swap: "outerHTML" });
    } catch {
      // static/js/toast.js says what went wrong.
    }
    isRunning = false;
    if (next) {
      const [again, ...rest] = next;
      next = null;
      show(again, ...rest);
    }
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-list]");
    if (!link || !isPlain(event)) return;
    event.preventDefault();
    show(link.href, "push", linkOrigin(link));
  });

  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-list]");
    if (!form) return;
    event.preventDefault();
    const query = queryOf(form, event.submitter);
    const popover = form.closest("[popover]");
    popover?.hidePopover();
    show(`${form.action.split("?")[0]}?${query}`, form.id === "list-state" ? "replace" : "push", formOrigin(popover));
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id !== id) return;
    const { query, q, title } = part().dataset;
    const address = withParameters({ open: parameter("open") }, query);
    if (how === "push") push(address);
    else if (how === "replace") replace(address);
    if (document.activeElement !== search) search.value = q;
    document.title = `${document.title.match(/^\(\d+\+?\) /)?.[0] ?? ""}${title} · Parley`;
    if (document.activeElement === document.body && origin) document.getElementById(origin)?.focus({ preventScroll: true });
    how = "replace";
    origin = "";
    after();
    document.dispatchEvent(new CustomEvent("parley:list-shown"));
  });

  onReturn(() => {
    if (sorted(location.search) !== sorted(part().dataset.query)) show(here(), "keep");
  });
  return show;
}
