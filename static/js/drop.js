// A place to drop a file on: tells what was chosen, by mouse, keyboard or drop alike.

const sizes = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });

for (const place of document.querySelectorAll("[data-drop]")) {
  const input = place.querySelector('input[type="file"]');
  const name = place.querySelector("[data-drop-name]");
  const size = place.querySelector("[data-drop-size]");

  const show = () => {
    const file = input.files[0];
    place.classList.toggle("has-file", Boolean(file));
    if (!file) return;
    name.textContent = file.name;
    size.textContent = file.size < 100_000 ? `${sizes.format(file.size / 1000)} kB` : `${sizes.format(file.size / 1e6)} MB`;
  };

  input.addEventListener("change", show);
  for (const kind of ["dragenter", "dragover"]) {
    place.addEventListener(kind, (event) => {
      event.preventDefault();
      place.classList.add("is-over");
    });
  }
  for (const kind of ["dragleave", "drop"]) place.addEventListener(kind, () => place.classList.remove("is-over"));
  place.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length) {
      input.files = event.dataTransfer.files;
      show();
    }
  });
  // A browser that comes back keeps the choice.
  show();
}
