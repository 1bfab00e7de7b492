// Keeps open what was open, over refresh and reload, and opens what an address points at.
const place = `open ${location.pathname}`;

function stored() {
  try {
    return new Map(JSON.parse(sessionStorage.getItem(place) ?? "[]"));
  } catch {
    return new Map(); // storage is off: rows then start as they are written
  }
}

const states = stored();

/** Opens and closes rows as the reader left them. */
function restore(root = document) {
  for (const row of root.querySelectorAll("details[data-key]")) {
    const open = states.get(row.dataset.key);
    if (open !== undefined) row.open = open;
  }
}

function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const row = target?.closest("details");
  if (!row || row.open) return;
  row.open = true;
  target.scrollIntoView();
}

export function startDetails() {
  restore();
  // This event does not rise; rows that come with a refresh are heard all the same.
  document.addEventListener(
    "toggle",
    ({ target: row }) => {
      if (!row.dataset?.key) return;
      states.set(row.dataset.key, row.open);
      try {
        sessionStorage.setItem(place, JSON.stringify([...states]));
      } catch {}
    },
    true,
  );
  addEventListener("hashchange", reveal);
  reveal();
}
