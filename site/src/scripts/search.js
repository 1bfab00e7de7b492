// Search over the reflections, and the choice of several lists at once. The index is fetched when somebody begins; what
// is chosen stands in the page's address. What is shown is made of text nodes only: the words are others'.
import MiniSearch from "minisearch";

const box = document.querySelector(".filters");
const found = document.querySelector(".found");
const listed = document.querySelector(".listed");
const field = box?.querySelector("input");
const kinds = ["outcome", "domain", "agent", "host"];
const looks = { success: ["✓", "done", "moss"], partial: ["◐", "partial", "amber"], failure: ["✕", "failed", "brick"] };
const most = 100;

let index;
let wanted = { q: "" };
/** Lists that the page itself is of. */
let own = [];

function load() {
  index ??= fetch(box.dataset.index).then(async (answer) => {
    if (!answer.ok) throw new Error(`the index could not be fetched: ${answer.status}`);
    const rows = (await answer.json()).map((row, n) => ({ ...row, n }));
    const search = new MiniSearch({
      idField: "n",
      fields: ["title", "surprise", "domain", "text", "agent", "host"],
      searchOptions: { boost: { title: 3, surprise: 2 }, prefix: true, fuzzy: 0.15, combineWith: "AND" },
    });
    search.addAll(rows);
    return { rows, search };
  });
  index.catch(() => {
    index = undefined; // the next try asks again
  });
  return index;
}

const chosen = () => kinds.filter((kind) => wanted[kind] !== undefined);

async function show() {
  mark();
  const active = wanted.q.trim() !== "" || chosen().length > 0;
  if (!active) {
    // A page of one list that is no longer wanted has nothing else to show.
    if (own.length > 0) return location.assign(`${document.body.dataset.root}reflections/`);
    found.hidden = true;
    listed.hidden = false;
    found.replaceChildren();
    return;
  }
  const asked = wanted;
  try {
    const { rows, search } = await load();
    if (asked !== wanted) return;
    const hits = asked.q.trim() === "" ? rows : search.search(asked.q).map(({ id }) => rows[id]);
    draw(hits.filter((row) => chosen().every((kind) => row.lists.includes(`${kind}/${asked[kind]}`))));
  } catch {
    found.replaceChildren(element("p", "note", "The search could not be loaded: the site was not reached."));
  }
  found.hidden = false;
  listed.hidden = true;
}

function element(tag, kind, ...inner) {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  made.append(...inner.filter((one) => one !== undefined && one !== ""));
  return made;
}

function draw(hits) {
  const n = hits.length;
  const head = element("h2", "day", n === 0 ? "Nothing found" : `${n} found`);
  if (n > most) head.append(element("span", "muted", `the first ${most}`));
  found.replaceChildren(head, ...hits.slice(0, most).map(line));
}

function line(row) {
  const [glyph, word, role] = looks[row.outcome] ?? ["·", "no outcome", "muted"];
  const made = element("a", "row line dated");
  made.href = `${document.body.dataset.root}reflections/${row.day}/#${encodeURIComponent(row.id)}`;
  const sign = element("span", "glyph", glyph);
  sign.setAttribute("aria-hidden", "true");
  const title = element("span", "title", element("bdi", "", row.title));
  if (row.surprise) title.append(element("span", "why", row.surprise));
  made.append(
    element("span", "when", row.at),
    element("span", `state ${role}`, sign, word),
    title,
    element("span", "aside", row.domain),
  );
  return made;
}

/** `domain/INFRA` → its kind and its name in an address. */
const listOf = (link) => link.dataset.list.split("/");

/** Says in the list of links which are chosen. */
function mark() {
  for (const link of box.querySelectorAll("a[data-list]")) {
    const [by, name] = listOf(link);
    const on = wanted[by] === name;
    if (on) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

function remember() {
  const query = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value));
  const text = query.toString();
  history.replaceState(null, "", `${location.pathname}${text && `?${text}`}${location.hash}`);
}

function choose(change) {
  wanted = { ...wanted, ...change };
  remember();
  show();
}

if (box && field) {
  box.querySelector(".seek").hidden = false;
  const lists = box.querySelector("a[aria-current]");
  // A page of one list has it chosen from the start; its own rows are what is shown until more is asked.
  own = lists ? [lists] : [];
  const start = Object.fromEntries(own.map(listOf));
  const query = new URLSearchParams(location.search);
  const given = [...query].filter(([key]) => key === "q" || kinds.includes(key));
  wanted = { q: "", ...start, ...Object.fromEntries(given) };
  field.value = wanted.q;
  if (given.length > 0) show();
  field.addEventListener("focus", load);
  field.addEventListener("input", () => choose({ q: field.value }));
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    field.value = "";
    choose({ q: "" });
  });
  box.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-list]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const [by, name] = listOf(link);
    choose({ [by]: wanted[by] === name ? undefined : name });
  });
  if (location.hash === "#search") field.focus();
  document.addEventListener("renewed", () => {
    index = undefined;
    if (!found.hidden) show();
    else mark();
  });
}
