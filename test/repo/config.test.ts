import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { ourSettings } from "../../src/shell/repo-config.ts";
import { gitAt } from "../../src/shell/repo-remote.ts";

const shown = (found: [string, string][], guard?: boolean) => {
  const { settings, env } = ourSettings(found, guard);
  return { settings: settings.map(([name, value]) => `${name}=${value}`), env };
};

test("a password leaves the address for the environment, and a helper hands it to git for that server only", () => {
  const { settings, env } = shown([["remote.origin.url", "https://me:p%40ss@git.example:8443/a/b.git"]]);
  expect(settings).toEqual([
    "remote.towline-origin.url=https://git.example:8443/a/b.git",
    "credential.https://git.example:8443.helper=",
    expect.stringMatching(/^credential\.https:\/\/git\.example:8443\.helper=!f\(\) .*\$TOWLINE_ORIGIN_PASSWORD_0/),
  ]);
  expect(env).toEqual({ TOWLINE_ORIGIN_USER_0: "me", TOWLINE_ORIGIN_PASSWORD_0: "p@ss" });
});

test.each([
  ["https://alice@git.example/a.git"],
  ["git@github.com:o/n.git"],
  ["ssh://git@host/a"],
  ["/srv/a@b:c.git"],
  ["https://github.com/o/n@v1:x.git"],
])("%s has none: it stays as it is", (address) => {
  expect(shown([["remote.origin.url", address]])).toEqual({
    settings: [`remote.towline-origin.url=${address}`],
    env: {},
  });
});

test("a token in the place of a user counts as one", () => {
  const { settings, env } = shown([["remote.origin.pushurl", "https://ghp_0123456789abcdefghij@github.com/o/n"]]);
  expect(settings.join()).not.toContain("ghp_");
  expect(env.TOWLINE_ORIGIN_USER_0).toBe("ghp_0123456789abcdefghij");
});

test("filters are switched off, and only then", () => {
  const found: [string, string][] = [
    ["filter.lfs.process", "git-lfs filter-process"],
    ["filter.lfs.required", "true"],
  ];
  expect(shown(found).settings).toEqual(["filter.lfs.process=", "filter.lfs.required=false"]);
  expect(shown(found, false).settings).toEqual([]);
});

test("the guard off: the password stays where every process list shows it", () => {
  const { settings } = shown([["remote.origin.url", "https://me:pass@h/a"]], false);
  expect(settings).toEqual(["remote.towline-origin.url=https://me:pass@h/a"]);
});

test.each(["PREFIX", "EDITOR", "GIT_EDITOR", "SSH_ASKPASS", "PAGER"])(
  "a shell that sets %s can use towline",
  async (name) => {
    const env = { PATH: process.env.PATH, HOME: tmpdir(), [name]: "/data/data/com.termux/files/usr" };
    await expect(gitAt({ cwd: tmpdir(), env } as never).raw(["version"])).resolves.toMatch(/^git version/);
  },
);
