import { expect, test } from "vitest";
import { maskOf } from "../../src/core/mask.ts";
import { wholeLines } from "../../src/shell/lines.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

test("lines come whole, whatever the pieces that bytes came in, and no letter is cut in two", () => {
  const lines = wholeLines();
  const all = bytes("first\nsécond\nrest");
  const cut = all.indexOf(0xc3) + 1;
  expect(lines.add(all.slice(0, cut)).text).toBe("first\n");
  expect(lines.add(all.slice(cut)).text).toBe("sécond\n");
  expect(lines.end()?.text).toBe("rest\n");
  expect(lines.end()).toBeNull();
});

test("a secret that lies across the cut of an endless line is masked on both sides", () => {
  const secret = "sk-0123456789abcdefghij";
  const mask = maskOf([{ name: "API_TOKEN", value: secret }]);
  const lines = wholeLines();
  const half = secret.length / 2;
  const said = [
    lines.add(bytes("x".repeat(70_000) + secret.slice(0, half))),
    lines.add(bytes(`${secret.slice(half)} y\n`)),
  ];
  expect(said.map(({ cut }) => cut)).toEqual([
    { start: false, end: true },
    { start: true, end: false },
  ]);
  const shown = said.map(({ text, cut }) => mask.text(text, cut)).join("");
  for (const part of [secret.slice(0, half), secret.slice(half)]) expect(shown).not.toContain(part);
  expect(shown).toMatch(/x⟨redacted API_TOKEN⟩.* y\n$/);
  expect(lines.add(bytes("next\n")).cut).toEqual({ start: false, end: false });
});
