// Addresses inside the site. Everything else goes through recordUrl or prose.
const base = import.meta.env.BASE_URL.replace(/\/*$/, "/");

/** `tasks/` → `/base/tasks/`. */
export const page = (path: string) => `${base}${path}`;

/** The folder of a record's own page. Without dots no name is another file's, hidden, or a step up. */
export const folderOf = (id: string) => id.replaceAll(".", "~");

const entry = (folder: string) => (id: string) => `${base}${folder}/#${encodeURIComponent(id)}`;
const own = (folder: string) => (id: string) => `${base}${folder}/${folderOf(id)}/`;
export const taskLink = own("tasks");
export const jobLink = own("jobs");
export const hostLink = entry("fleet");
export const agentLink = (id: string) => hostLink(`agent-${id}`);
/** On the page of its day, where it stays; without a day on the page of the newest. */
export const reflectionLink = (id: string, day?: string) =>
  `${base}reflections/${day === undefined ? "" : `${day}/`}#${encodeURIComponent(id)}`;
