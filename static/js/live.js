// Live updates. The stream carries signals only ("conversation 7 changed"); what changed is asked for in one request, and the server
// decides what belongs on this screen. One tab holds the stream for all (a browser opens only six connections to a host); when it is
// silent, every page asks every few seconds instead, and says so.

const SILENCE = 40000; // ms without a heartbeat after which the stream counts as dead
const POLL = 5000;
const WAITS = [1000, 2000, 5000, 10000, 15000];

const { liveUrl, changesUrl } = document.body.dataset;
const status = document.getElementById("live-status");
const announcer = document.getElementById("announcer");
const channel = "BroadcastChannel" in window ? new BroadcastChannel(`parley:${liveUrl}`) : null;

let source = null;
let isLeader = false;
let failures = 0;
let heard = Date.now();
let retry = 0;
let polling = 0;
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
      if (polling && isHeard()) stopPolling();
    } catch {
      startPolling();
      break;
    }
  }
  running = false;
}

async function ask(asked) {
  const list = document.getElementById("conversation-list");
  const open = openConversation();
  const query = new URLSearchParams();
  if (list) {
    query.set("filter", list.dataset.filter);
    query.set("q", list.dataset.q);
    if (asked.all) query.set("all", "1");
    else query.set("conversations", [...asked.rows].join(","));
  }
  if (open && (asked.all || asked.rows.has(open))) {
    query.set("open", open);
    query.set("cursor", document.getElementById("messages")?.dataset.cursor ?? "");
  }
  const answer = await fetch(`${changesUrl}?${query}`, { headers: { "X-Parley-Live": "1" }, credentials: "same-origin", redirect: "manual" });
  if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) {
    location.reload(); // signed out, or no longer a member: the page itself says so
    return;
  }
  if (!answer.ok) throw new Error(String(answer.status));
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  apply(page, asked, open, list);
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
  if (!old || (words(old) === words(fresh) && values(old) === values(fresh))) return;
  if (old.matches(".htmx-request") || old.querySelector(".htmx-request")) {
    // What is being saved in it would answer to nobody: look again when it has been.
    document.body.addEventListener("htmx:afterSettle", () => want({ conversation: openConversation() }), { once: true });
    return;
  }
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  if (old.dataset.live === "calm" && (focused || old.querySelector("[data-writing]"))) return; // somebody is writing in it
  const node = document.importNode(fresh, true);
  old.replaceWith(node);
  htmx.process(node);
  if (focused?.id) document.getElementById(focused.id)?.focus({ preventScroll: true });
  else if (focused?.getAttribute("href")) node.querySelector(`[href="${CSS.escape(focused.getAttribute("href"))}"]`)?.focus({ preventScroll: true });
}

// What an element says. That a field has just been saved is not said by the server again, and is no reason to take it away.
function words(element) {
  const copy = element.cloneNode(true);
  for (const saved of copy.querySelectorAll(".saved")) saved.remove();
  return copy.textContent.replace(/\s+/g, "");
}

const values = (element) => [...element.querySelectorAll("input:not([type=hidden]), option[selected], [aria-current]")].map((one) => one.getAttribute("value") ?? one.textContent).join("\n");

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
  for (const row of came.values()) put(list, row);
  const isEmpty = !list.querySelector("[data-row]");
  const note = document.querySelector("[data-empty-list]");
  if (!isEmpty) note?.remove();
  else if (!note) htmx.ajax("GET", location.href, { target: "#conversation-list", swap: "outerHTML" });
  glide(list, before);
  document.dispatchEvent(new CustomEvent("parley:rows"));
}

function put(list, row) {
  const old = document.getElementById(row.id);
  const focused = old?.contains(document.activeElement);
  const at = Date.parse(row.dataset.at);
  const others = [...list.querySelectorAll("[data-row]")].filter((other) => other !== old);
  const after = others.find((other) => Date.parse(other.dataset.at) < at);
  const more = document.getElementById("more-conversations");
  if (!old && !after && more) return; // belongs to a page that is not loaded yet
  const stays = old && (old.nextElementSibling === (after ?? more ?? null));
  if (stays && old.className === row.className && old.innerHTML === row.innerHTML) return; // as it was: nothing flickers
  if (stays) old.replaceWith(row);
  else {
    old?.remove();
    list.insertBefore(row, after ?? more ?? null);
  }
  htmx.process(row);
  if (focused) row.querySelector("a").focus({ preventScroll: true });
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

// --- where the signals come from -------------------------------------------------------------------------------------

const isHeard = () => failures === 0 && Date.now() - heard < SILENCE;

function take(message) {
  if (message.kind === "down") {
    failures = 2;
    startPolling();
    return;
  }
  heard = Date.now();
  failures = 0;
  if (message.kind === "open") {
    stopPolling();
    want({ all: true });
  } else if (message.kind === "signal") want(message.signal);
  else if (message.kind === "customers") changed({ ids: message.ids });
}

// Lists of customers (static/js/list.js) ask for their rows by themselves.
function changed(detail) {
  document.dispatchEvent(new CustomEvent("parley:customers", { detail }));
}

function relay(message) {
  take(message);
  channel?.postMessage(message);
}

function connect() {
  isLeader = true;
  clearTimeout(retry);
  source?.close();
  source = new EventSource(liveUrl);
  source.onopen = () => relay({ kind: "open" });
  source.onerror = fail;
  source.addEventListener("heartbeat", () => relay({ kind: "beat" }));
  source.addEventListener("paused", () => relay({ kind: "down" })); // the server can't look for changes just now
  source.addEventListener("customers", (event) => relay({ kind: "customers", ids: JSON.parse(event.data).customers }));
  source.addEventListener("conversation", (event) => relay({ kind: "signal", signal: JSON.parse(event.data) }));
}

function fail() {
  source?.close();
  source = null;
  failures += 1;
  if (failures >= 2) {
    startPolling();
    channel?.postMessage({ kind: "down" });
  }
  clearTimeout(retry);
  retry = setTimeout(connect, WAITS[Math.min(failures, WAITS.length) - 1]);
}

function startPolling() {
  if (!polling) polling = setInterval(() => navigator.onLine && document.visibilityState === "visible" && want({ all: true }), POLL);
  mark();
}

function stopPolling() {
  clearInterval(polling);
  polling = 0;
  mark();
}

function mark() {
  const text = navigator.onLine ? (polling ? status.dataset.paused : "") : status.dataset.offline;
  if ((status.textContent || "") === text) return;
  status.replaceChildren();
  if (text) {
    const words = document.createElement("span");
    words.textContent = text;
    status.append(words);
  }
}

// After a sleep the stream may be dead without knowing it; one that failed need not wait for its next try.
function wake() {
  if (document.visibilityState !== "visible") return;
  if (Date.now() - heard > SILENCE || (isLeader && !source)) connect();
  else if (polling) want({ all: true });
}

channel?.addEventListener("message", (event) => take(event.data));
if (navigator.locks && channel) navigator.locks.request(`parley:${liveUrl}`, () => new Promise(connect));
else connect();
// A tab that follows another one's stream asks once for what came while it loaded.
setTimeout(() => source || want({ all: true }), 500);

setInterval(() => {
  if (Date.now() - heard > SILENCE) {
    startPolling();
    connect();
  }
}, 10000);
document.addEventListener("visibilitychange", wake);
addEventListener("online", () => {
  mark();
  if (isLeader) connect();
  else want({ all: true });
});
addEventListener("offline", mark);
addEventListener("pageshow", (event) => event.persisted && isLeader && connect());
addEventListener("pagehide", () => source?.close());
