// The home page stays true while it is open: a signal that something changed brings its parts anew.

const GATHER = 800; // ms in which several changes become one request
let timer = 0;

async function refresh() {
  const old = document.getElementById("home");
  try {
    const answer = await fetch(location.href, { headers: { "HX-Request": "true", "HX-Target": "home" }, credentials: "same-origin", redirect: "error" });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("home");
    if (!fresh || fresh.textContent.replace(/\s+/g, "") === old.textContent.replace(/\s+/g, "")) return;
    const focused = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : "";
    const node = document.importNode(fresh, true);
    old.replaceWith(node);
    if (focused) node.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  } catch {
    // The next signal, or the next look at the page, brings it.
  }
}

function want() {
  clearTimeout(timer);
  timer = setTimeout(refresh, GATHER);
}

document.addEventListener("parley:customers", want);
document.body.addEventListener("parley:signal", want);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && want());
