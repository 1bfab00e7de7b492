// Addresses inside the site. Everything else goes through recordUrl or prose.
const base = import.meta.env.BASE_URL.replace(/\/*$/, "/");

/** `tasks/` → `/base/tasks/`. */
export const page = (path: string) => `${base}${path}`;

const entry = (folder: string) => (id: string) => `${base}${folder}/#${encodeURIComponent(id)}`;
export const reflectionLink = entry("reflections");
export const taskLink = entry("tasks");
export const jobLink = entry("jobs");
export const hostLink = entry("fleet");
export const agentLink = (id: string) => hostLink(`agent-${id}`);
