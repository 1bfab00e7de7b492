// In every decrypted page: browsers end an idle worker, and it keeps the key in its memory only.
const kept = "towline key";
const given = /^#key=([^&]+)/.exec(location.hash)?.[1];
if (given) {
  sessionStorage.setItem(kept, decodeURIComponent(given));
  history.replaceState(null, "", location.pathname + location.search);
}

function remind() {
  const secret = sessionStorage.getItem(kept);
  if (secret) navigator.serviceWorker?.controller?.postMessage({ secret });
}

remind();
setInterval(remind, 15_000);
document.addEventListener("visibilitychange", remind);
