// The bell: its count in every tab, the open list, and of what is new a notice of the browser and a sound. The tab that holds the stream shows
// those, once for all tabs. What is to be shown or heard says the server, by one's preferences and quiet hours.

import { fetchPage, gather, put, says } from "./patch.js";
import { here } from "./address.js";
import { chime, mayShow, show } from "./notices.js";
import { holdsStream } from "./stream.js";

const GATHER = 150; // ms in which several changes become one request
const { bellUrl, liveSince } = document.body.dataset;

// What the page shows was read after this; lines that were raised later are news.
let since = liveSince;

const want = gather(GATHER, async () => {
  const page = await fetchPage(`${bellUrl}?since=${since}`);
  const bell = page?.querySelector("[data-bell]");
  if (!bell) return;
  since = bell.dataset.since;
  count(Number(bell.dataset.bell));
  if (holdsStream()) for (const notice of [...bell.querySelectorAll("[data-notice]")].reverse()) tell(notice);
  await list();
});

function count(unread) {
  for (const badge of document.querySelectorAll("[data-badge=bell]")) {
    badge.hidden = !unread;
    badge.querySelector("[data-badge-count]").textContent = unread > 99 ? "99+" : String(unread);
  }
}

function tell(notice) {
  const { notice: id, url, shown, heard } = notice.dataset;
  if (heard) chime();
  if (shown && mayShow()) show({ id, url, title: notice.querySelector("b").textContent, text: notice.querySelector("span").textContent });
}

// The open list stays true; who is further down in it, or reads all, is not moved.
async function list() {
  const old = document.getElementById("notifications");
  if (!old || old.dataset.live !== "yes" || old.querySelector(".htmx-request")) return;
  const page = await fetchPage(here(), null, { "HX-Request": "true", "HX-Target": "notifications" });
  const fresh = page?.getElementById("notifications");
  const now = document.getElementById("notifications");
  if (fresh && now && says(now, { rows: "[data-line]" }) !== says(fresh, { rows: "[data-line]" })) put(now, fresh, "a");
}

document.addEventListener("parley:own", ({ detail }) => {
  if (!detail.name || detail.name === "notifications") want();
});
// A line that was read here: the others learn of it by the stream, this page at once.
document.addEventListener("htmx:afterSettle", (event) => event.detail.elt.id === "notifications" && want());
