// Notices of the browser and the sound. Both need a person's word: the browser asks it where somebody presses the button in the preferences, and
// lets no page make a sound that nobody has touched yet.

const NOTES = [660, 880]; // Hz
const LENGTH = 0.14; // s, each
const LOUDNESS = 0.12;

let context = null;

export const mayShow = () => "Notification" in window && Notification.permission === "granted";

// A notice with the same id takes the place of the one before.
export function show({ id, url, title, text }) {
  try {
    const notice = new Notification(title, { body: text, tag: `parley:${id}` });
    notice.addEventListener("click", () => {
      window.focus();
      if (url) location.assign(url);
      notice.close();
    });
  } catch {
    // Some phones show notices of installed apps only.
  }
}

// Two short notes, made here: no file is loaded.
export async function chime() {
  const Context = window.AudioContext ?? window.webkitAudioContext;
  if (!Context) return;
  context ??= new Context();
  if (context.state === "suspended") await Promise.race([context.resume().catch(() => {}), new Promise((done) => setTimeout(done, 200))]);
  if (context.state !== "running") return; // nobody has touched the page yet
  NOTES.forEach((pitch, place) => note(pitch, context.currentTime + place * LENGTH));
}

function note(pitch, at) {
  const tone = context.createOscillator();
  const volume = context.createGain();
  tone.type = "sine";
  tone.frequency.value = pitch;
  volume.gain.setValueAtTime(0, at);
  volume.gain.linearRampToValueAtTime(LOUDNESS, at + 0.015);
  volume.gain.exponentialRampToValueAtTime(0.0001, at + LENGTH);
  tone.connect(volume).connect(context.destination);
  tone.start(at);
  tone.stop(at + LENGTH);
}

// --- the part of the preferences that speaks of this browser -----------------------------------------------------------

const part = document.querySelector("[data-notices]");

function mark() {
  if (!part) return;
  const state = "Notification" in window ? Notification.permission : "missing";
  for (const line of part.querySelectorAll("[data-when]")) line.hidden = line.dataset.when !== state;
}

part?.addEventListener("click", async (event) => {
  if (event.target.closest("[data-ask-notices]")) {
    await Notification.requestPermission();
    mark();
  } else if (event.target.closest("[data-try-notice]")) {
    chime();
    if (mayShow()) show({ id: "try", url: "", title: part.dataset.tryTitle, text: part.dataset.tryText });
  }
});
mark();
