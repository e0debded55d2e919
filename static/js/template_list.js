// The address says which templates are shown, so that a reload and a link show the same.

import { queryOf, replace } from "./address.js";

const form = document.getElementById("template-filters");

form.addEventListener("htmx:afterRequest", () => {
  const query = queryOf(form);
  replace(query.size ? `?${query}` : location.pathname);
});
