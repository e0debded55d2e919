// Files of a reply: chosen, dropped or pasted, they are uploaded at once and stand as chips until the reply is sent.

const form = () => document.getElementById("composer-reply");
const list = () => document.getElementById("composer-files");
const token = () => JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];

function complain(text) {
  const error = document.getElementById("composer-error");
  if (error) error.textContent = text;
}

function chip(name) {
  const item = document.createElement("li");
  item.className = "chip is-busy";
  const label = document.createElement("span");
  label.className = "truncate";
  label.textContent = name;
  const remove = document.createElement("button");
  remove.type = "button";
  remove.className = "chip__remove";
  remove.dataset.removeFile = "";
  remove.setAttribute("aria-label", `Remove ${name}`);
  remove.textContent = "×";
  item.append(label, remove);
  return item;
}

async function upload(file) {
  const most = Number(form().dataset.maxBytes);
  if (most && file.size > most) {
    complain(`“${file.name}” is too large: at most ${Math.floor(most / 1e6)} MB.`);
    return;
  }
  const item = chip(file.name || "picture.png");
  list().append(item);
  const body = new FormData();
  body.append("file", file, file.name || "picture.png");
  try {
    const answer = await fetch(form().dataset.uploadUrl, { method: "POST", body, headers: { "X-CSRFToken": token() } });
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.error);
    const input = document.createElement("input");
    input.type = "hidden";
    input.name = "files";
    input.value = told.id;
    item.prepend(input);
    item.classList.remove("is-busy");
  } catch (error) {
    item.remove();
    complain(error instanceof SyntaxError || error instanceof TypeError ? `“${file.name}” could not be uploaded. Try again.` : error.message);
  }
}

function take(files) {
  complain("");
  for (const file of files) upload(file);
}

document.addEventListener("change", (event) => {
  if (event.target.id !== "composer-file") return;
  take([...event.target.files]);
  event.target.value = ""; // the chips carry them from here
});
document.addEventListener("click", (event) => {
  const remove = event.target.closest("[data-remove-file]");
  if (!remove) return;
  remove.closest(".chip").remove();
  document.getElementById("composer-body")?.focus();
});
document.addEventListener("paste", (event) => {
  if (event.target.id !== "composer-body" || !document.getElementById("composer-file")) return;
  const files = [...event.clipboardData.files];
  if (!files.length) return;
  event.preventDefault();
  take(files);
});
document.addEventListener("dragover", (event) => {
  if (document.getElementById("composer-file") && event.target.closest?.("#thread") && event.dataTransfer.types.includes("Files")) event.preventDefault();
});
document.addEventListener("drop", (event) => {
  if (!document.getElementById("composer-file") || !event.target.closest?.("#thread") || !event.dataTransfer.files.length) return;
  event.preventDefault();
  take([...event.dataTransfer.files]);
});

// While somebody writes, the other side may see it; once in 15 seconds is enough.
let told = 0;
document.addEventListener("input", (event) => {
  if (event.target.id !== "composer-body" || !form()?.dataset.typingUrl || !event.target.value.trim()) return;
  if (Date.now() - told < 15000) return;
  told = Date.now();
  fetch(form().dataset.typingUrl, { method: "POST", headers: { "X-CSRFToken": token() } }).catch(() => {});
});

// How long free text is still taken, counted from what the server said.
function countdown() {
  const line = document.getElementById("composer-window");
  if (!line) return;
  line.dataset.endsAt ??= Date.now() + 1000 * Number(line.dataset.windowEnds);
  const minutes = Math.floor((line.dataset.endsAt - Date.now()) / 60000);
  line.classList.toggle("is-short", minutes < 60);
  line.querySelector("[data-window-text]").textContent = minutes < 0 ? "over" : minutes < 60 ? `${Math.max(minutes, 1)} min left` : `${Math.floor(minutes / 60)} h left`;
}
setInterval(countdown, 15000);
document.addEventListener("htmx:load", countdown);
countdown();

// Pictures from elsewhere are loaded into the frame only when somebody asks.
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-mail-images]");
  if (!link) return;
  event.preventDefault();
  link.closest(".mail-view").querySelector("iframe").src = link.href;
  link.remove();
});
