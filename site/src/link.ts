// Addresses inside the site. Everything else goes through recordUrl or prose.
import { folderOf } from "./folder.ts";

const base = import.meta.env.BASE_URL.replace(/\/*$/, "/");

/** `tasks/` → `/base/tasks/`. */
export const page = (path: string) => `${base}${path}`;

const entry = (folder: string) => (id: string) => `${base}${folder}/#${encodeURIComponent(id)}`;
const own = (folder: string) => (id: string) => `${base}${folder}/${folderOf(id)}/`;
export const taskLink = own("tasks");
export const jobLink = own("jobs");
export const hostLink = entry("fleet");
export const agentLink = (id: string) => hostLink(`agent-${id}`);
/** On the page of its day, where it stays; without a day on the page of the newest. */
export const reflectionLink = (id: string, day?: string) =>
  `${base}reflections/${day === undefined ? "" : `${day}/`}#${encodeURIComponent(id)}`;
