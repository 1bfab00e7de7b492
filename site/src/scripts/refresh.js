// Asks every ten seconds whether the site was built anew, and puts what changed into the page as it stands: the place on
// it, the focus, what is open and what was typed stay as they are. A hidden page asks nothing.
import morphdom from "morphdom";
import { hearTick, hushAges, tellAges } from "./age.js";

const rhythm = 10_000;
const tint = 600;
const parts = ["header.rail", "main"];

let busy = false;

export function startRefresh() {
  // Without a server behind it nothing can be asked.
  if (!location.protocol.startsWith("http")) return;
  setInterval(look, rhythm);
  document.addEventListener("visibilitychange", look);
}

async function look() {
  if (document.hidden || busy) return;
  busy = true;
  try {
    const { root, version } = document.body.dataset;
    const answer = await fetch(`${root}version.json?${Date.now()}`, { cache: "no-store" });
    const said = answer.ok ? await answer.json() : null;
    if (said !== null) hearTick(said);
    if (typeof said?.version === "string" && said.version !== version) await renew(said.version);
  } catch {
    // Not reached: the age that is shown tells how old this is.
  } finally {
    busy = false;
  }
}

async function renew(version) {
  const answer = await fetch(`${location.pathname}?${encodeURIComponent(version)}`, { cache: "no-store" });
  if (!answer.ok) return;
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  // A cache on the way may still hold the page before: the next look asks again.
  if (next.body.dataset.version === document.body.dataset.version) return;
  if (styles(next) !== styles(document)) return location.reload();
  swap(next);
  document.dispatchEvent(new CustomEvent("renewed"));
}

const styles = (page) => [...page.querySelectorAll("link[rel=stylesheet], script[src]")].map(named).join(" ");
const named = (one) => one.getAttribute("href") ?? one.getAttribute("src");

function swap(next) {
  const anchor = inSight();
  const before = anchor?.getBoundingClientRect().top;
  const changed = new Set();
  const focused = document.activeElement;
  hushAges();
  for (const part of parts) {
    const [from, to] = [document.querySelector(part), next.querySelector(part)];
    if (from && to) morphdom(from, to, rules(changed));
  }
  document.title = next.title;
  document.body.dataset.version = next.body.dataset.version;
  tellAges();
  // A row that has moved to another day lost it on its way.
  if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
  if (anchor?.isConnected) scrollBy({ top: anchor.getBoundingClientRect().top - before, behavior: "instant" });
  show(changed);
}

/** The first row in the window: it stays where it is, whatever comes above it. At the top of a page nothing is held. */
function inSight() {
  if (scrollY < 8) return null;
  const rows = [...document.querySelectorAll("main [data-key], main section")].filter((row) => {
    const { top, height } = row.getBoundingClientRect();
    return height > 0 && top >= 0 && top < innerHeight;
  });
  return document.activeElement?.closest?.("main [data-key]") ?? rows[0] ?? null;
}

const rules = (changed) => ({
  getNodeKey: (node) => node.id || node.dataset?.key || undefined,
  onBeforeElUpdated(from, to) {
    // What scripts fill, and what a person types into, is theirs.
    if (from.dataset.live !== undefined || from.matches("input, select")) return false;
    if (from.tagName === "DETAILS") to.toggleAttribute("open", from.open);
    if (from.classList.contains("listed")) to.hidden = from.hidden;
    if (from.isEqualNode(to)) return false;
    if (from.dataset.key && readsOtherwise(from, to)) changed.add(from);
    return true;
  },
  onNodeAdded(node) {
    if (node.dataset?.key) changed.add(node);
    return node;
  },
});

/** Links to records change with every commit; that is no news. */
const readsOtherwise = (from, to) => from.textContent !== to.textContent || from.className !== to.className;

/** Only the innermost of what changed: a list is not new because of one row. */
function show(changed) {
  const rows = [...changed].filter((row) => ![...changed].some((other) => other !== row && row.contains(other)));
  for (const row of rows) row.classList.add("fresh");
  setTimeout(() => {
    for (const row of rows) row.classList.remove("fresh");
  }, tint);
}
