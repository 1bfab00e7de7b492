// The pages of the site. Those of `always` stand in the navigation of every pack, the others when they have something
// to show, and all only when this version has such a page.
export interface Place {
  id: string;
  name: string;
  /** A path of a 16 × 16 picture, drawn in lines. */
  icon: string;
  always?: boolean;
  /** Stands in the bar of a phone. */
  first?: boolean;
}

const all: Place[] = [
  { id: "home", name: "Home", icon: "M2.5 7.5 8 2.5l5.5 5M4 6.5v7h8v-7", always: true, first: true },
  {
    id: "reflections",
    name: "Reflections",
    icon: "M3 2.5h10v9H8l-3 2.5v-2.5H3zM5.5 5.5h5M5.5 8.5h3",
    always: true,
    first: true,
  },
  {
    id: "tasks",
    name: "Tasks",
    icon: "m2 4 1.2 1.2L5.5 3M2 8.5l1.2 1.2 2.3-2.2M2 13l1.2 1.2L5.5 12M8 4.5h6M8 9h6M8 13.5h6",
    always: true,
    first: true,
  },
  { id: "jobs", name: "Jobs", icon: "M2.5 3.5h11v9h-11zM5 6.5 7 8 5 9.5M8.5 10h2.5", always: true, first: true },
  {
    id: "fleet",
    name: "Fleet",
    icon: "M2.5 2.5h11v4.5h-11zM2.5 9h11v4.5h-11zM5 4.75h.01M5 11.25h.01",
    always: true,
  },
  { id: "pupdates", name: "Pupdates", icon: "M2 8.5h3l2-5 3 9 1.5-4H14" },
  { id: "rules", name: "Rules", icon: "M4 2.5v4.5a2 2 0 0 0 2 2h7M4 13.5V7M10.5 6.5 13 9l-2.5 2.5" },
  {
    id: "knowledge",
    name: "Knowledge",
    icon: "M8 4.5C6.5 3 4.5 3 2.5 3v9.5c2 0 4 0 5.5 1 1.5-1 3.5-1 5.5-1V3c-2 0-4 0-5.5 1.5zv9",
  },
  {
    id: "campfire",
    name: "Campfire",
    icon: "M8 2c.5 2.5 3.5 3.5 3.5 6.5a3.5 3.5 0 0 1-7 0C4.5 7 5.5 6 6 5c.5 1 1 1.5 1.5 1.5C8 5.5 7.5 3.5 8 2zM3 14h10",
  },
  { id: "costs", name: "Costs", icon: "M2.5 13.5h11M4 11V8M8 11V3M12 11V6" },
  { id: "health", name: "Health", icon: "M8 13.5 3 8.5a3 3 0 0 1 5-3.5 3 3 0 0 1 5 3.5z" },
  {
    id: "collections",
    name: "Collections",
    icon: "M2.5 3h4.5v4.5H2.5zM9 3h4.5v4.5H9zM2.5 9.5h4.5V14H2.5zM9 9.5h4.5V14H9z",
  },
  { id: "plugins", name: "Plugins", icon: "M6 2v3M10 2v3M4 5h8v3a4 4 0 0 1-8 0zM8 12v2.5" },
];

const made = new Set(
  Object.keys(import.meta.glob("./pages/**/*.astro")).map((path) => path.split("/")[2]?.replace("index.astro", "home")),
);

export const places = (shown: readonly string[]): Place[] =>
  all.filter((place) => made.has(place.id) && (place.always || shown.includes(place.id)));

/** Where it stands, below the site's root. */
export const pathOf = (id: string) => (id === "home" ? "" : `${id}/`);
