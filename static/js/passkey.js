// Passkeys: ask the device, put its answer into the form, send the form.
// [data-passkey="create|get"] is a form; data-options has what is asked for, as JSON (WebAuthn level 3).

const bytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const descriptors = (list) => list?.map((one) => ({ ...one, id: bytes(one.id) }));

function opened(options) {
  const result = { ...options, challenge: bytes(options.challenge) };
  if (options.user) result.user = { ...options.user, id: bytes(options.user.id) };
  if (options.excludeCredentials) result.excludeCredentials = descriptors(options.excludeCredentials);
  if (options.allowCredentials) result.allowCredentials = descriptors(options.allowCredentials);
  return result;
}

function written(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = text(credential.response[name]);
  }
  return JSON.stringify({
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
    clientExtensionResults: {},
    response,
  });
}

for (const form of document.querySelectorAll("[data-passkey]")) {
  if (!window.PublicKeyCredential) {
    form.querySelector("[data-passkey-missing]")?.removeAttribute("hidden");
    continue;
  }
  // Not before this script is there: a form that is sent without an answer is refused.
  for (const button of form.querySelectorAll("button")) button.disabled = false;
  form.addEventListener("submit", async (event) => {
    const field = form.elements.namedItem("credential");
    if (field.value) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const failed = form.querySelector("[data-passkey-failed]");
    failed.hidden = true;
    try {
      const publicKey = opened(JSON.parse(form.dataset.options));
      const container = navigator.credentials;
      const made = await (form.dataset.passkey === "create" ? container.create({ publicKey }) : container.get({ publicKey }));
      field.value = written(made);
      form.requestSubmit();
    } catch {
      // Cancelled, timed out, or none on this device: the browser has said why.
      failed.hidden = false;
      failed.focus();
    }
  }, { capture: true });
}
