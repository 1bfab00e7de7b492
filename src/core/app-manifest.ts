// What a GitHub App of a pack is asked for: by a page of ours whose button brings people to GitHub, with all fields filled in.

export interface AppWish {
  name: string;
  /** Web address of the pack, for people who meet the App. */
  home: string;
  /** Where the browser comes back to. */
  back: string;
}

/** What the ticks need, and nothing that GitHub would have to call. */
export const permissions = {
  contents: "write",
  pull_requests: "write",
  issues: "write",
  statuses: "write",
  checks: "read",
  metadata: "read",
} as const;

export const appManifest = ({ name, home, back }: AppWish) => ({
  name,
  url: home,
  redirect_url: back,
  public: false,
  default_permissions: permissions,
  default_events: [],
});

const quoted: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const html = (text: string) => text.replace(/[&<>"']/g, (one) => quoted[one] as string);

const page = (body: string) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
  `<title>towline</title><body>${body}</body></html>\n`;

/** `to`: GitHub's page for new Apps. Works without scripts: one button. */
export function startPage(wish: AppWish, to: string): string {
  const rights = Object.entries(permissions).map(
    ([name, level]) => `<li>${html(name.replaceAll("_", " "))}: ${level}</li>`,
  );
  return page(
    `<h1>A GitHub App for towline</h1><p>GitHub asks once more, and then leads back here. It may:</p><ul>${rights.join("")}</ul>` +
      `<form method="post" action="${html(to)}"><input type="hidden" name="manifest" value="${html(JSON.stringify(appManifest(wish)))}">` +
      `<button>Create ${html(wish.name)} on GitHub</button></form>`,
  );
}

export const endPage = (text: string) => page(`<p>${html(text)}</p><p>You can close this page.</p>`);

/** GitHub's page for new Apps, of a person or an organisation. */
export function newAppPage(web: string, org: string | undefined, state: string): string {
  const of = org === undefined ? "settings" : `organizations/${encodeURIComponent(org)}/settings`;
  return `${web}/${of}/apps/new?state=${encodeURIComponent(state)}`;
}

/** Lines for towline.yml. `api`: of a GitHub of one's own. */
export const appSettings = (id: string, key: string, api?: string): string =>
  ["forge:", "  name: github", ...(api ? [`  url: ${api}`] : []), `  app: {id: ${id}, key: ${key}}`].join("\n");
