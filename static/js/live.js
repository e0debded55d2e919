// Live updates. The stream (static/js/stream.js) carries signals only ("conversation 7 changed"); what changed is asked for in one request, and
// the server decides what belongs on this screen.

import { here } from "./address.js";
import { focusIn, isSaving, onceSaved, parse, posted, put, refocus, says } from "./patch.js";
import { failed, follow, worked } from "./stream.js";

const { changesUrl } = document.body.dataset;
const announcer = document.getElementById("announcer");

let wanted = null;
let running = false;

const openConversation = () => document.getElementById("conversation")?.dataset.conversation ?? "";

// --- what to ask for -------------------------------------------------------------------------------------------------

function want(change) {
  wanted ??= { rows: new Set(), all: false, received: [] };
  if (change.all) {
    wanted.all = true;
    changed({ all: true });
  }
  if (change.conversation) wanted.rows.add(change.conversation);
  if (change.type === "message.received" && change.conversation) wanted.received.push(change.conversation);
  if (!running) refresh();
}

async function refresh() {
  running = true;
  while (wanted) {
    const asked = wanted;
    wanted = null;
    try {
      await ask(asked);
      worked();
    } catch {
      failed();
      break;
    }
  }
  running = false;
}

async function ask(asked) {
  const list = document.getElementById("conversation-list");
  const open = openConversation();
  const query = new URLSearchParams();
  const many = {}; // what may be too much for an address
  if (list) {
    query.set("filter", list.dataset.filter);
    query.set("q", list.dataset.q);
    if (asked.all) query.set("all", "1");
    else many.conversations = [...asked.rows].join(",");
  }
  if (open && (asked.all || asked.rows.has(open))) {
    query.set("open", open);
    query.set("cursor", document.getElementById("messages")?.dataset.cursor ?? "");
  }
  const answer = await fetch(`${changesUrl}?${query}`, { ...posted(many), credentials: "same-origin", redirect: "manual" });
  if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) {
    location.reload(); // signed out, or no longer a member: the page itself says so
    return;
  }
  if (!answer.ok) throw new Error(String(answer.status));
  apply(parse(await answer.text()), asked, open, list);
}

// --- what to do with the answer --------------------------------------------------------------------------------------

function apply(page, asked, open, list) {
  const box = page.querySelector("[data-unread]");
  if (!box) return;
  unread(Number(box.dataset.unread));
  if (list?.isConnected && sameList(list)) {
    swap(box.querySelector("#inbox-filters"));
    rows(box.querySelector("[data-rows]"), asked);
  }
  const messages = box.querySelector("[data-messages]");
  if (messages && open === openConversation()) {
    const thread = document.getElementById("messages");
    const known = new Set([...thread.querySelectorAll("[data-message]")].map((message) => message.id));
    const nodes = [...messages.querySelectorAll("[data-message]")].map((node) => document.importNode(node, true));
    thread.dataset.cursor = messages.dataset.cursor;
    document.dispatchEvent(new CustomEvent("parley:messages", { detail: { nodes } }));
    const fresh = nodes.filter((node) => node.dataset.direction === "inbound" && !known.has(node.id)).at(-1);
    if (fresh) announce(fresh.querySelector(".bubble").textContent.replace(/\s+/g, " ").trim().slice(0, 200));
    for (const id of ["thread-header", "composer-refusal", "customer-panel"]) swap(box.querySelector(`#${id}`));
  }
  for (const id of new Set(asked.received)) {
    const name = document.getElementById(`row-${id}`)?.dataset.name;
    if (id !== open && name) announce(`New message from ${name}`);
  }
  document.body.dispatchEvent(new CustomEvent("parley:signal"));
}

const sameList = (list) => list === document.getElementById("conversation-list");

function swap(fresh) {
  const old = fresh && document.getElementById(fresh.id);
  if (!old || says(old) === says(fresh)) return;
  if (isSaving(old)) {
    onceSaved(() => want({ conversation: openConversation() }));
    return;
  }
  if (old.dataset.live === "calm" && (old.contains(document.activeElement) || old.querySelector("[data-writing]"))) return; // somebody is writing in it
  put(old, fresh);
}

function rows(fresh, asked) {
  const list = document.getElementById("conversation-rows");
  if (!fresh || !list) return;
  const before = new Map([...list.children].map((row) => [row.id, row.getBoundingClientRect().top]));
  const came = new Map([...fresh.querySelectorAll("[data-row]")].map((row) => [row.id, document.importNode(row, true)]));
  const oldest = Math.min(...[...came.values()].map((row) => Date.parse(row.dataset.at)));
  for (const row of [...list.querySelectorAll("[data-row]")]) {
    const isAsked = asked.all ? "complete" in fresh.dataset || Date.parse(row.dataset.at) >= oldest : asked.rows.has(row.dataset.row);
    if (isAsked && !came.has(row.id)) row.remove();
  }
  for (const row of came.values()) place(list, row);
  const isEmpty = !list.querySelector("[data-row]");
  const note = document.querySelector("[data-empty-list]");
  if (!isEmpty) note?.remove();
  else if (!note) htmx.ajax("GET", here(), { target: "#conversation-list", swap: "outerHTML" });
  glide(list, before);
  document.dispatchEvent(new CustomEvent("parley:rows"));
}

function place(list, row) {
  const old = document.getElementById(row.id);
  const at = Date.parse(row.dataset.at);
  const others = [...list.querySelectorAll("[data-row]")].filter((other) => other !== old);
  const after = others.find((other) => Date.parse(other.dataset.at) < at);
  const more = document.getElementById("more-conversations");
  if (!old && !after && more) return; // belongs to a page that is not loaded yet
  const stays = old && old.nextElementSibling === (after ?? more ?? null);
  if (stays && old.className === row.className && old.innerHTML === row.innerHTML) return; // as it was: nothing flickers
  if (stays) {
    put(old, row, "a");
    return;
  }
  const focused = focusIn(old);
  old?.remove();
  list.insertBefore(row, after ?? more ?? null);
  htmx.process(row);
  refocus(focused, row, "a");
}

function glide(list, before) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const row of list.children) {
    const from = before.get(row.id);
    const to = row.getBoundingClientRect().top;
    if (from === undefined) row.animate([{ opacity: 0 }, { opacity: 1 }], { duration: 260, easing: "ease-out" });
    else if (from !== to && Math.abs(from - to) < innerHeight) row.animate([{ transform: `translateY(${from - to}px)` }, { transform: "none" }], { duration: 260, easing: "cubic-bezier(.2,0,0,1)" });
  }
}

function unread(count) {
  const badge = document.querySelector("[data-badge=inbox]");
  if (badge) {
    badge.hidden = !count;
    badge.querySelector("[data-badge-count]").textContent = count > 99 ? "99+" : String(count);
  }
  document.title = (count ? `(${count > 99 ? "99+" : count}) ` : "") + document.title.replace(/^\(\d+\+?\) /, "");
}

function announce(text) {
  announcer.textContent = text;
}

// Lists of customers (static/js/list.js) ask for their rows by themselves.
function changed(detail) {
  document.dispatchEvent(new CustomEvent("parley:customers", { detail }));
}

follow({ want, changed });
