// The page that everybody may see. It hands the key to the worker that decrypts, and keeps it for this session only.
const base = document.currentScript.dataset.base;
const form = document.getElementById("unlock");
const field = document.getElementById("secret");
const said = document.getElementById("said");
const kept = "towline key";

function say(text) {
  said.textContent = text;
}

/** The worker's answer, or a word that none came. */
function ask(worker, message) {
  return new Promise((done) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => done(data);
    setTimeout(() => done({ fault: "The part of this page that decrypts does not answer. Reload it." }), 60_000);
    worker.postMessage(message, [port2]);
  });
}

async function worker() {
  const found = await navigator.serviceWorker.register(`${base}sw.js`, { scope: base });
  await navigator.serviceWorker.ready;
  return found.active ?? navigator.serviceWorker.controller;
}

async function unlock(secret) {
  say("Unlocking…");
  const { fault } = await ask(await worker(), { secret });
  if (fault) {
    sessionStorage.removeItem(kept);
    form.hidden = false;
    field.focus();
    return say(fault);
  }
  sessionStorage.setItem(kept, secret);
  // The same address again: from now on the worker answers it. A reload that went past the worker must not go on for ever.
  const before = Number(sessionStorage.getItem("towline opened") ?? 0);
  sessionStorage.setItem("towline opened", String(Date.now()));
  if (Date.now() - before < 2000) return say("Unlocked. Reload this page to see it.");
  location.reload();
}

async function begin() {
  if (!globalThis.crypto?.subtle || !navigator.serviceWorker)
    return say(
      "This browser cannot decrypt here: it takes https (or localhost), and a window in which service workers are allowed.",
    );
  const given = /^#key=([^&]+)/.exec(location.hash)?.[1];
  // Out of the address: it would stay in the history, and in what is copied from there.
  if (given) history.replaceState(null, "", location.pathname);
  const secret = given ? decodeURIComponent(given) : sessionStorage.getItem(kept);
  const { kdf } = await (await fetch(`${base}site.json`, { cache: "no-store" })).json();
  if (kdf === "pbkdf2") document.getElementById("label").textContent = "Passphrase";
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void unlock(field.value.trim()).catch((fault) => say(`It could not be unlocked: ${fault.message}`));
  });
  if (secret) return unlock(secret);
  form.hidden = false;
  field.focus();
}

begin().catch((fault) => say(`It could not be read: ${fault.message}`));
