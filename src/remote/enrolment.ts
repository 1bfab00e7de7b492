// The scripts of an enrolment: each is read by a bare `sh` on the host from its stdin, so that nothing stands in an argv.
import { readFileSync } from "node:fs";
import { installCommand, type Seat, serveCommand } from "./program.ts";

const script = (name: string) => readFileSync(new URL(`./enrol/${name}.sh`, import.meta.url), "utf8");

/** Each `{name}` once or more; what is put in is never looked at again. */
const filled = (text: string, values: Record<string, string>) =>
  text.replace(/\{([a-z]+)\}/g, (whole, name: string) => values[name] ?? whole);

export const surveyScript = () => script("survey");

const kept = { sha256: "@@" };

/** Where the gate stands: with the program, but never in the home of whom it runs as. */
export const gateRoot = ({ root, user }: Seat) => (user === undefined ? root : ".towline");

export const gateText = (seat: Seat): string =>
  filled(script("gate"), {
    serve: serveCommand(seat, kept),
    install: installCommand(seat, kept),
    served: serveCommand(seat, kept, "serve gated"),
    root: gateRoot(seat),
  });

/**
 * Writes the gate whole or not at all, and never over one that lets another seat's conversations through. Nothing in its
 * text may end the here-document early.
 */
export const gateScript = (seat: Seat): string => {
  const folder = `${gateRoot(seat)}/bin`;
  return [
    "umask 077",
    "IFS= read -r serve <<'TOWLINE'",
    serveCommand(seat, kept),
    "TOWLINE",
    "cd || exit",
    `if [ -e ${folder}/gate ]; then`,
    "  same=",
    `  while IFS= read -r at || [ -n "$at" ]; do [ "$at" != "$serve" ] || same=1; done <${folder}/gate`,
    '  [ -n "$same" ] || { echo "towline-gate other"; exit; }',
    "fi",
    `mkdir -p ${folder} && cat >${folder}/.gate.$$ <<'TOWLINE-GATE' &&`,
    `${gateText(seat)}TOWLINE-GATE`,
    `{ sync ${folder}/.gate.$$ 2>/dev/null || sync; } && chmod 500 ${folder}/.gate.$$ && mv -f ${folder}/.gate.$$ ${folder}/gate && echo "towline-gate written"`,
    "",
  ].join("\n");
};

/** Writes ROOT/allow where there is none; the owner's own stays as it is. */
export const allowScript = (root: string, lines: string[]): string =>
  filled(script("allow"), { root, lines: lines.join("\n") });

export type KeyForm = "open" | "lock" | "unlock" | "remove";

/**
 * `key`: `TYPE BASE64`. `open` adds the key unless it stands there in some way of ours; the others give it that one form,
 * or none. What it prints ends with how the key stood there before: `none`, `open` or `locked`.
 */
export function keysScript(form: KeyForm, key: string, comment: string, seat: Seat): string {
  if (!/^[a-z0-9@.-]+ [A-Za-z0-9+/=]+$/.test(key)) throw new Error("no public key to write");
  const gate = `restrict,command="cd && exec sh ${gateRoot(seat)}/bin/gate" `;
  const line = `${form === "lock" ? gate : ""}${key} ${comment.replace(/[^A-Za-z0-9._@-]+/g, "-")}`;
  return filled(script("keys"), { want: form, line, key });
}
