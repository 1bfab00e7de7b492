// One Chromium for a suite, and pages whose every word to the console and every request is kept.
import { existsSync } from "node:fs";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

export const executable = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) =>
  existsSync(path),
);
export const needs = executable === undefined ? ": needs chromium (npm test -- --install)" : "";

const args = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
export const launch = (): Promise<Browser> => chromium.launch({ executablePath: executable, args });

export interface Heard {
  /** Console, uncaught errors and dialogs. */
  said: string[];
  /** Addresses of all requests. */
  asked: string[];
}

/** A page in a context of its own. `work` gets what was heard so far; the context ends with it. */
export async function opened<T>(
  browser: Browser,
  options: BrowserContextOptions,
  work: (page: Page, heard: Heard) => Promise<T>,
): Promise<T> {
  const context = await browser.newContext(options);
  const heard: Heard = { said: [], asked: [] };
  const listen = (page: Page) => {
    page.on("console", (message) => heard.said.push(message.text()));
    page.on("pageerror", (error) => heard.said.push(String(error)));
    page.on("dialog", (dialog) => {
      heard.said.push(dialog.message());
      void dialog.dismiss();
    });
  };
  context.on("page", listen);
  context.on("request", (request) => heard.asked.push(request.url()));
  try {
    return await work(await context.newPage(), heard);
  } finally {
    await context.close();
  }
}
