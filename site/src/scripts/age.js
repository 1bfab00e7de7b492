// How old the data is and how long something still waits, counted where the page is read. The times themselves stand in
// the page; these words are added and taken away as a whole, so that a fresh page can be compared with the one shown.
const units = [
  [86_400, "d"],
  [3600, "h"],
  [60, "min"],
];

/** Seconds → `3 h`; under a minute: null. */
export function words(seconds) {
  for (const [size, name] of units) if (seconds >= size) return `${Math.floor(seconds / size)} ${name}`;
  return null;
}

/** The newest tick that whoever serves the site has told of. `live`: it would have told of later ones. */
let heard = { tick: "", live: false };

export function hearTick({ tick, live }) {
  if (typeof tick !== "string" || Number.isNaN(Date.parse(tick))) return;
  heard = { tick, live: live === true };
  tellAges();
}

const passed = (at) => (Date.now() - Date.parse(at)) / 1000;

/** Says all ages anew. */
export function tellAges(root = document) {
  for (const one of root.querySelectorAll("[data-age]")) {
    const since = words(passed(one.dataset.age));
    one.textContent = since === null ? "just now" : `${since} ago`;
  }
  for (const one of root.querySelectorAll("[data-left]")) {
    const left = -passed(one.dataset.left);
    one.textContent = left <= 0 ? "over by now" : `${words(left) ?? "under a minute"} left`;
    one.classList.toggle("soon", left < 6 * 3600);
  }
  for (const one of root.querySelectorAll("[data-due]")) one.classList.toggle("past", passed(one.dataset.due) >= 0);
  tellTick(root);
}

/** Quiet ticks write nothing: only where each is told of does their silence mean that none came. */
function tellTick(root) {
  const asof = root.querySelector(".asof");
  const alarm = Number(asof?.dataset.alarm);
  const built = asof?.dataset.tick ?? asof?.querySelector("[data-age]")?.dataset.age ?? "";
  const newer = Date.parse(heard.tick) > Date.parse(built);
  const at = newer || built === "" ? heard.tick : built;
  const late = at !== "" && alarm > 0 && passed(at) > alarm;
  asof?.classList.toggle("late", late);
  const since = root.querySelector("[data-since]");
  if (since) {
    const told = words(passed(at));
    since.textContent = told === null ? "just now" : `${told} ago`;
    since.previousElementSibling.hidden = newer;
  }
  showBeat(root, late);
}

function showBeat(root, late) {
  const beat = root.querySelector("[data-beat]");
  if (!beat) return;
  beat.hidden = !late;
  // The one stands in the other's place: a line that comes later would push the page down.
  beat.previousElementSibling.hidden = late;
  const word = beat.querySelector("[data-silent]");
  word.dataset.quiet ??= word.textContent;
  word.textContent = late && heard.live ? word.dataset.silent : word.dataset.quiet;
}

/** Takes the words back that `tellAges` has added. */
export function hushAges(root = document) {
  for (const one of root.querySelectorAll("[data-age], [data-left], [data-since]")) one.textContent = "";
  for (const one of root.querySelectorAll("[data-since]")) one.previousElementSibling.hidden = false;
  for (const one of root.querySelectorAll(".soon, .past, .late")) {
    one.classList.remove("soon", "past", "late");
    if (one.className === "") one.removeAttribute("class");
  }
  showBeat(root, false);
}

export function startAges() {
  tellAges();
  setInterval(() => document.hidden || tellAges(), 20_000);
  document.addEventListener("visibilitychange", () => document.hidden || tellAges());
}
