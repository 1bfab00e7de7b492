// Keeps open what was open, over refresh and reload, opens what an address points at, and says what is due by now.
// All works without it.
const place = `open ${location.pathname}`;

function stored() {
  try {
    return new Set(JSON.parse(sessionStorage.getItem(place) ?? "[]"));
  } catch {
    return new Set(); // storage is off: rows then start closed
  }
}

const open = stored();

for (const row of document.querySelectorAll("details[data-key]")) {
  const key = row.getAttribute("data-key");
  if (open.has(key)) row.open = true;
  row.addEventListener("toggle", () => {
    if (row.open) open.add(key);
    else open.delete(key);
    try {
      sessionStorage.setItem(place, JSON.stringify([...open]));
    } catch {}
  });
}

// A page may be older than the time it names.
for (const next of document.querySelectorAll("[data-due]"))
  if (Date.parse(next.getAttribute("data-due")) <= Date.now()) next.textContent = "due now";

function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const row = target?.closest("details");
  if (!row || row.open) return;
  row.open = true;
  target.scrollIntoView();
}

addEventListener("hashchange", reveal);
reveal();
