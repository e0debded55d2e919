// Light, dark or the system's own. The choice is a cookie, so that the server already renders the next page in it.

const root = document.documentElement;
const YEAR = 365 * 24 * 60 * 60;

function choose(theme) {
  // All colours change at once, not each after its own transition.
  root.dataset.switching = "";
  setTimeout(() => delete root.dataset.switching, 100);
  if (theme) root.dataset.theme = theme;
  else delete root.dataset.theme;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `theme=${theme}; path=/; max-age=${theme ? YEAR : 0}; samesite=lax${secure}`;
}

function show() {
  for (const input of document.querySelectorAll("[data-theme-choice] input")) {
    input.checked = input.value === (root.dataset.theme ?? "");
  }
}

document.addEventListener("change", (event) => {
  if (event.target.closest?.("[data-theme-choice]")) choose(event.target.value);
});
show();
