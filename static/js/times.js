// "now" and "4 min" grow older while the page stays open; what has become a time of day is the server's to say.

function renew() {
  const now = Date.now();
  for (const time of document.querySelectorAll("time[data-relative]")) {
    const seconds = (now - Date.parse(time.dateTime)) / 1000;
    if (seconds < 60) time.textContent = "now";
    else if (seconds < 3600) time.textContent = `${Math.floor(seconds / 60)} min`;
    else if (/min$|^now$/.test(time.textContent)) {
      const moment = new Date(time.dateTime);
      time.textContent = time.title.match(/\d\d:\d\d$/)?.[0] ?? moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    }
  }
}

// The seconds in which a reply can be taken back. Counted from what the server said, so that no two clocks have to agree.
function count() {
  for (const line of document.querySelectorAll("[data-leaves-in]")) {
    line.dataset.leavesAt ??= Date.now() + 1000 * Number(line.dataset.leavesIn);
    const left = Math.ceil((line.dataset.leavesAt - Date.now()) / 1000);
    const text = left > 0 ? `Leaves in ${left} s` : "Leaving now";
    const words = line.querySelector("[data-leaves-text]");
    if (words.textContent !== text) words.textContent = text;
  }
}

setInterval(() => document.visibilityState === "visible" && renew(), 20000);
setInterval(count, 250);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && renew());
