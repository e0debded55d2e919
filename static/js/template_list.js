// The address says which templates are shown, so that a reload and a link show the same.

const form = document.getElementById("template-filters");

form.addEventListener("htmx:afterRequest", () => {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value) query.append(name, value);
  history.replaceState(history.state, "", query.size ? `?${query}` : location.pathname);
});
