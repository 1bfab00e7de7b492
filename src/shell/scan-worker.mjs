// A thread of its own for the search for secrets by their shape: a search that hangs is ended with its thread.
// Plain JavaScript, because node starts threads without our way of stripping types below node_modules.
import { parentPort } from "node:worker_threads";
import { lintSource } from "@secretlint/core";
import { rules } from "@secretlint/secretlint-rule-preset-recommend";

const port = /** @type {import("node:worker_threads").MessagePort} */ (parentPort);
// All rules but the one that lets a comment switch the others off: an agent could write it.
const wanted = rules.filter((rule) => rule.meta.id !== "@secretlint/secretlint-rule-filter-comments");
const config = { rules: wanted.map((rule) => ({ id: rule.meta.id, rule, options: {} })) };

// What the rules do not know, or only with words around it.
const shapes = {
  PRIVATE_KEY:
    /-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----(?:(?!-----END)[\s\S]){0,16384}(?:-----END [A-Z ]{0,30}-----)?/g,
  JSON_WEB_TOKEN: /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{16,}/g,
  GOOGLE_API_KEY: /\bAIza[\w-]{35}/g,
  ANTHROPIC_TOKEN: /\bsk-ant-[a-z]+\d\d-[\w-]{60,}/g,
  HUGGINGFACE_TOKEN: /\bhf_[A-Za-z0-9]{30,}/g,
  SENDGRID_KEY: /\bSG\.[\w-]{16,}\.[\w-]{16,}/g,
  PYPI_TOKEN: /\bpypi-AgE[\w-]{50,}/g,
  DIGITALOCEAN_TOKEN: /\bdo[opr]_v1_[0-9a-f]{64}/g,
  NOTION_TOKEN: /\bntn_[A-Za-z0-9]{40,}/g,
  SENTRY_TOKEN: /\bsntry[su]_[\w+/=-]{40,}/g,
  TELEGRAM_TOKEN: /\b\d{8,10}:AA[\w-]{33}/g,
  AUTHORIZATION: /(?<=\bauthorization: *(?:bearer|basic|token) +)[\w.~+/=-]{12,}/gi,
};

/** @param {string} text */
const shaped = (text) =>
  Object.entries(shapes).flatMap(([kind, pattern]) =>
    [...text.matchAll(pattern)].map((hit) => ({ start: hit.index, end: hit.index + hit[0].length, kind })),
  );

port.on("message", async (/** @type {{texts: string[]}} */ { texts }) => {
  try {
    const found = [];
    for (const content of texts) {
      const { messages } = await lintSource({
        source: { content, filePath: "answer.txt", ext: ".txt", contentType: "text" },
        options: { config },
      });
      const ruled = messages.map(({ range, messageId }) => ({ start: range[0], end: range[1], kind: messageId }));
      found.push([...ruled, ...shaped(content)]);
    }
    port.postMessage({ found });
  } catch {
    port.postMessage({}); // its words may hold the text's
  }
});
