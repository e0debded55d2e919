// The three panes: which conversation is open, its address, back and forward, the customer's drawer.

import { here, onReturn, parameter, push, replace, withQuery } from "./address.js";

const inbox = document.getElementById("inbox");
const openId = () => document.getElementById("conversation")?.dataset.conversation ?? "";

function markOpen() {
  const id = openId();
  for (const link of document.querySelectorAll("#conversation-rows .row__link")) {
    const isOpen = link.closest("[data-row]")?.dataset.row === id;
    if (isOpen) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

function title() {
  const name = document.getElementById("conversation")?.dataset.title ?? "Inbox";
  const unread = document.title.match(/^\(\d+\+?\) /)?.[0] ?? "";
  document.title = `${unread}${name} · Parley`;
}

function show(url) {
  return htmx.ajax("GET", url, { target: "#conversation", swap: "outerHTML" });
}

// A chosen row or view becomes the page's address, without a copy of the page in the browser's storage.
document.addEventListener("htmx:beforeRequest", (event) => {
  const link = event.target.closest?.("a.row__link, a[data-view]");
  if (link) push(link.href, { parley: true });
});

document.addEventListener("click", (event) => {
  const back = event.target.closest("[data-back]");
  if (!back || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const address = withQuery(back.href); // the view and the search that the list stands in
  push(address, { parley: true });
  const from = openId();
  show(address).then(() => document.querySelector(`#row-${CSS.escape(from)} .row__link`)?.focus());
});

onReturn(() => {
  const list = document.getElementById("conversation-list");
  if (parameter("filter", "open") !== list.dataset.filter || parameter("q") !== list.dataset.q) location.reload();
  else show(here());
});

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.elt.id === "conversation" || event.target.id === "conversation") {
    markOpen();
    title();
    document.dispatchEvent(new CustomEvent("parley:opened", { detail: { conversation: openId() } }));
  } else if (event.target.closest?.("#conversation-list")) markOpen();
});
document.addEventListener("parley:rows", markOpen);

function drawer(open) {
  const conversation = document.getElementById("conversation");
  if (open) conversation.dataset.customer = "open";
  else delete conversation.dataset.customer;
  const toggle = document.getElementById("toggle-customer");
  toggle?.setAttribute("aria-expanded", String(open));
  if (open) document.querySelector("[data-close-customer]")?.focus();
  else toggle?.focus();
}

inbox.addEventListener("click", (event) => {
  const isOpen = document.getElementById("conversation").dataset.customer === "open";
  if (event.target.closest("#toggle-customer")) drawer(!isOpen);
  else if (event.target.closest("[data-close-customer]")) drawer(false);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.defaultPrevented && document.getElementById("conversation")?.dataset.customer === "open") drawer(false);
});

replace(here(), { parley: true });
markOpen();
