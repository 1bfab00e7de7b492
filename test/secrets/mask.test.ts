import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { maskOf, redacted } from "../../src/core/mask.ts";
import { kinds, promised } from "./kinds.ts";

const secrets = Object.entries(kinds).map(([name, value]) => ({ name, value }));
const mask = maskOf(secrets);

describe("a text without secrets", () => {
  test("stays as it is, whatever is in it", () => {
    const only = maskOf([{ name: "T", value: "ghp_0123456789abcdefghij" }]);
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => only.text(text) === text),
      {
        numRuns: 3000,
      },
    );
  });

  test("without any secret known there is nothing to do", () => {
    expect(maskOf([]).text("anything")).toBe("anything");
  });
});

describe("a text with a secret", () => {
  test("keeps all that stands around it", () => {
    expect(maskOf([{ name: "DB_TOKEN", value: "abcdefgh12345678" }]).text("a abcdefgh12345678, b")).toBe(
      "a ⟨redacted DB_TOKEN⟩, b",
    );
  });

  test("is found wherever it stands, more than once, and beside another", () => {
    const two = maskOf([
      { name: "A", value: "first-secret-1" },
      { name: "B", value: "second-secret-2" },
    ]);
    const around = fc.string({ unit: "binary", maxLength: 40 });
    fc.assert(
      fc.property(around, around, around, (a, b, c) => {
        const text = two.text(`${a}first-secret-1${b}second-secret-2first-secret-1${c}`);
        return !/(first|second)-secret-/.test(text) && text.split("⟨redacted A⟩").length >= 2;
      }),
      { numRuns: 3000 },
    );
  });

  test.each(Object.entries(promised))("%s: every kind", (_, transform) => {
    for (const { name, value } of secrets) {
      const text = mask.text(`before ${transform(value)} after`);
      expect(text, name).toContain("⟨redacted ");
      expect(text.startsWith("before "), name).toBe(true);
      expect(text.endsWith(" after"), name).toBe(true);
      // Base64 may keep characters that hold less than a byte of the value.
      expect(text.replace(/⟨redacted [^⟩]*⟩/g, "").length, `${name}: ${text}`).toBeLessThan(13 + 64);
    }
  });

  test("a place where the text was cut off takes the piece with it", () => {
    const value = "ghp_0123456789abcdefghij";
    const one = maskOf([{ name: "T", value }]);
    for (let length = 8; length < value.length; length++) {
      expect(one.text(`so: ${value.slice(0, length)}`, { end: true })).toBe("so: ⟨redacted T⟩");
      expect(one.text(`${value.slice(-length)} and on`, { start: true })).toBe("⟨redacted T⟩ and on");
    }
    expect(one.text(`so: ${value.slice(0, 12)}`)).toBe(`so: ${value.slice(0, 12)}`);
  });

  test("each line of a private key counts by itself", () => {
    const line = kinds.ssh_rsa?.split("\n")[7] as string;
    expect(mask.text(`got ${line}`)).toBe(`got ${redacted("ssh_rsa")}`);
  });
});

test("short and ordinary values are left alone, and told", () => {
  const weak = maskOf([
    { name: "PIN", value: "1234567" },
    { name: "FLAG", value: "true" },
    { name: "USER_PASS", value: "password" },
    { name: "ROW", value: "aaaaaaaaaaaa" },
    { name: "GOOD", value: "aB3$eF6&" },
  ]);
  expect(weak.weak.map((one) => one.name)).toEqual(["PIN", "FLAG", "USER_PASS", "ROW"]);
  expect(weak.text("1234567 true password aaaaaaaaaaaa aB3$eF6&")).toBe(
    "1234567 true password aaaaaaaaaaaa ⟨redacted GOOD⟩",
  );
});

test("a name is no way to put markup into a text", () => {
  expect(redacted("A\n::set-env⟩<b>")).toBe("⟨redacted A set-env b⟩");
});
