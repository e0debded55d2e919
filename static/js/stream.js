// Where the signals come from. One tab holds the stream for all (a browser opens only six connections to a host) and passes on what it gets;
// when it is silent, every page asks every few seconds instead, and says so.
// A page shows what there was when it was asked for. What came between that and the stream's opening is sent first: by the server to the tab
// that opens the stream, by that tab to the others. Only where nobody can say what came, everything is asked for.

const SILENCE = 40000; // ms without a heartbeat after which the stream counts as dead
const POLL = 5000;
const WAITS = [1000, 2000, 5000, 10000, 15000];
const ANSWER = 500; // ms in which the tab with the stream answers another one
const KEPT = 120000; // ms for which signals are kept for tabs that are just being opened

const { liveUrl, liveSince } = document.body.dataset;
const status = document.getElementById("live-status");
const channel = "BroadcastChannel" in window ? new BroadcastChannel(`parley:${liveUrl}`) : null;
const name = crypto.randomUUID?.() ?? String(Math.random());

let source = null;
let isLeader = false;
let isBroken = false; // the stream was open, or would not open: signals may be missing since
let failures = 0;
let heard = Date.now();
let retry = 0;
let polling = 0;
let isCaughtUp = false;
let openedAt = Infinity;
let kept = []; // { at, message }: what the stream brought, of the last minutes
let take = { want: () => {}, changed: () => {} };

// Something of one's own changed, by its name: `parley:own` on the document. Where nobody knows what did, its name is empty.
const own = (name = "") => document.dispatchEvent(new CustomEvent("parley:own", { detail: { name } }));

// Nobody knows what changed: all is asked for.
function everything() {
  take.want({ all: true });
  own();
}

// Whether this tab holds the stream: what is to be done once for all tabs is done here.
export const holdsStream = () => isLeader;

// `want(signal)`: a conversation changed, or `{all: true}`. `changed(ids)`: customers changed.
export function follow(handlers) {
  take = handlers;
  channel?.addEventListener("message", (event) => receive(event.data));
  if (navigator.locks && channel) navigator.locks.request(`parley:${liveUrl}`, () => new Promise(connect));
  else connect();
  if (channel) greet();
}

// The page asked and was answered: the server is there.
export function worked() {
  if (polling && failures === 0 && Date.now() - heard < SILENCE) stopPolling();
}

// The page asked and was not answered.
export function failed() {
  startPolling();
}

// --- one tab and the others ------------------------------------------------------------------------------------------

// A tab that follows another one's stream asks it once for what came since the page was asked for.
function greet() {
  const asked = performance.timeOrigin + (performance.getEntriesByType("navigation")[0]?.requestStart ?? 0);
  channel.postMessage({ kind: "hello", from: name, since: asked });
  setTimeout(() => source || isCaughtUp || everything(), ANSWER);
}

function answer({ from, since }) {
  if (!source) return;
  const signals = openedAt <= since ? kept.filter((one) => one.at >= since).map((one) => one.message) : [{ kind: "signal", signal: { all: true } }];
  channel.postMessage({ kind: "caught-up", to: from, signals });
}

function keep(message) {
  const now = Date.now();
  kept = kept.filter((one) => now - one.at < KEPT);
  kept.push({ at: now, message });
  openedAt = Math.max(openedAt, now - KEPT);
}

function receive(message) {
  if (message.kind === "hello") answer(message);
  else if (message.kind === "caught-up") {
    if (message.to !== name) return;
    isCaughtUp = true;
    message.signals.forEach(receive);
  } else if (message.kind === "down") {
    failures = 2;
    startPolling();
  } else {
    heard = Date.now();
    failures = 0;
    if (message.kind === "open") {
      stopPolling();
      if (message.isBroken) everything();
    } else if (message.kind === "own") own(message.name);
    else if (message.kind === "signal") message.signal.all ? everything() : take.want(message.signal);
    else if (message.kind === "customers") take.changed({ ids: message.ids });
  }
}

function relay(message) {
  receive(message);
  channel?.postMessage(message);
}

// --- the stream ------------------------------------------------------------------------------------------------------

function connect() {
  isLeader = true;
  clearTimeout(retry);
  source?.close();
  // A page that followed another tab's stream so far does not know what it missed in between.
  const isBreak = isBroken || isCaughtUp || !liveSince;
  source = new EventSource(isBreak ? liveUrl : `${liveUrl}?since=${liveSince}`);
  source.onopen = () => {
    isBroken = true;
    openedAt = Date.now();
    kept = [];
    relay({ kind: "open", isBroken: isBreak });
  };
  source.onerror = fail;
  source.addEventListener("heartbeat", () => relay({ kind: "beat" }));
  source.addEventListener("paused", () => relay({ kind: "down" })); // the server can't look for changes just now
  source.addEventListener("customers", (event) => pass({ kind: "customers", ids: JSON.parse(event.data).customers }));
  source.addEventListener("own", (event) => pass({ kind: "own", name: JSON.parse(event.data).name }));
  source.addEventListener("conversation", (event) => pass({ kind: "signal", signal: JSON.parse(event.data) }));
}

function pass(message) {
  keep(message);
  relay(message);
}

function fail() {
  isBroken = true;
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

// --- without it ------------------------------------------------------------------------------------------------------

function startPolling() {
  if (!polling) polling = setInterval(() => navigator.onLine && document.visibilityState === "visible" && everything(), POLL);
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
  if (Date.now() - heard > SILENCE || (isLeader && !source)) {
    isBroken = true;
    connect();
  } else if (polling) everything();
}

setInterval(() => {
  if (Date.now() - heard > SILENCE) {
    isBroken = true;
    startPolling();
    connect();
  }
}, 10000);
document.addEventListener("visibilitychange", wake);
addEventListener("online", () => {
  mark();
  isBroken = true;
  if (isLeader) connect();
  else everything();
});
addEventListener("offline", mark);
addEventListener("pageshow", (event) => {
  if (!event.persisted || !isLeader) return;
  isBroken = true;
  connect();
});
addEventListener("pagehide", () => source?.close());
