// How agents talk back: the command on their PATH, files by hand, and outboxes that are made to do harm. Under each shell.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { shipped } from "../../src/core/shipped.ts";
import { readOutbox } from "../../src/core/talk.ts";
import type { HostSession, StartRequest } from "../../src/ports.ts";
import { hostProgram, rankProgram } from "../../src/remote/program.ts";
import { type Place, variants } from "../transports/places.ts";

const [first, ...others] = variants.slice(0, 3).filter(({ missing }) => missing === null);

describe.each([first, ...others].filter((one) => one !== undefined))("$name", ({ name, up }) => {
  let place: Place;
  let session: HostSession;
  beforeAll(async () => {
    place = await up();
    session = await place.fleet().open("one", place.host, "p");
  }, 60_000);
  afterAll(async () => {
    session.close();
    await place.down();
  });

  /** Runs the script; what came of it, with the outbox as it is read. */
  async function run(job: string, script: string, files: Record<string, string> = {}) {
    const request: StartRequest = {
      job,
      epoch: 1,
      day: "2026/11/20",
      deadline: 120,
      keep: 8192,
      slots: 8,
      launch: { files: { script, ...files }, secret: [], command: "sh ./script" },
    };
    expect(await session.start(request)).toEqual({ state: "started" });
    for (let tries = 0; (await session.wait([{ job, epoch: 1 }], 2000)).length === 0; tries++)
      if (tries > 30) throw new Error("it never ended");
    const result = await session.fetch(job, 1);
    const box = result.parts?.get("outbox");
    return {
      end: result.end,
      out: Buffer.from(result.stdout.head).toString(),
      err: Buffer.from(result.stderr.head).toString(),
      raw: Buffer.from(box ?? []).toString("latin1"),
      ...(box ? readOutbox(box) : { messages: [], remarks: [] }),
    };
  }

  test("each verb leaves a message, from words or from stdin, and none of it is in the answer", async () => {
    const script = `towline reply it is 'done  now'
printf 'two\\nlines -n %%s \\\\ $HOME\\n' | towline ask
towline tell bob-2 -n hello
towline reflect 'surprise: a' 'technique: b'
towline status 50%
towline done </dev/null
echo answer`;
    const ran = await run("verbs", script, { "inbox/01-ann.md": "look\nat it" });
    expect(ran.messages).toEqual([
      { verb: "reply", text: "it is done  now" },
      { verb: "ask", text: "two\nlines -n %s \\ $HOME" },
      { verb: "tell", to: "bob-2", text: "-n hello" },
      { verb: "reflect", text: "surprise: a\ntechnique: b" },
      { verb: "status", text: "50%" },
      { verb: "done", text: "" },
    ]);
    expect([ran.out, ran.remarks]).toEqual(["answer\n", []]);
    // What waits for it is shown once.
    expect(ran.err.split("--- message 01-ann")).toHaveLength(2);
    expect(ran.err).toContain("| look\n| at it\n");
  });

  test("what applies to what it is about to do is shown, and noted; without weights or an awk it goes on as ever", async () => {
    const lessons = [
      { id: "down-step", text: "Every migration has a down step." },
      { id: "no-sleep", text: "Tests do not sleep." },
    ];
    const files = { "learn/rank.awk": rankProgram(), "learn/weights": shipped(lessons) ?? "" };
    const script = `towline learn "add a migration with steps" 2>found
printf 'bake bread\\n$(touch x)' | towline learn 2>nothing
mv learn/weights . && towline learn plain 2>plain && mv weights learn/
mkdir bin && for one in head mkdir mv rm; do ln -s "$(command -v $one)" bin/; done
PATH=bin:\${PATH%%:*} towline learn 'a migration' 2>without
cat found nothing plain without; ls x 2>/dev/null`;
    const ran = await run("learns", script, files);
    expect(ran.out).toMatch(
      /^noted\.\ndown-step \(\d+\.\d\d\): Every migration has a down step\.\nnoted\.\nnothing applies\nnoted\.\nnoted\.\n$/,
    );
    expect(ran.messages).toEqual([
      { verb: "learn", hits: ["down-step"], text: "add a migration with steps" },
      { verb: "learn", hits: [], text: "bake bread\n$(touch x)" },
      { verb: "learn", text: "plain" },
      { verb: "learn", text: "a migration" },
    ]);
  });

  test("what it refuses, and why", async () => {
    const script = `for words in 'sudo x' 'ask' 'tell ../x hello' 'tell' 'reply'; do
  towline $words </dev/null 2>&1; echo "$?"
done
head -c 70000 /dev/zero | tr '\\000' x | towline reply 2>&1; echo "$?"
towline help >help && grep -c ask help
TOWLINE_JOB= towline ask x 2>&1; echo "$?"`;
    const ran = await run("refused", script);
    expect(ran.out.split("\n")).toEqual([
      "towline: there is no verb `sudo`: see towline help",
      "2",
      "towline: say something: towline ask TEXT",
      "2",
      expect.stringContaining("say whom"),
      "2",
      expect.stringContaining("say whom"),
      "2",
      "towline: say something: towline reply TEXT",
      "2",
      "towline: the text is over 60000 bytes: make it shorter",
      "2",
      expect.stringMatching(/^\d+$/),
      expect.stringContaining("no job of towline's"),
      "2",
      "",
    ]);
    expect(ran.messages).toEqual([]);
  });

  test("numbers never clash, however many talk at once, and there is an end of them", async () => {
    const script = `mkdir outbox; echo by hand >outbox/08-status.md
for at in 1 2 3 4 5 6 7 8 9 10 11 12; do towline learn "$at" & done; wait
echo last >outbox/99-fail.md; towline reply more || echo full`;
    const ran = await run("many", script);
    expect(ran.messages).toHaveLength(14);
    expect(new Set(ran.raw.match(/^file \d+ \d+-/gm)).size).toBe(14);
    expect(ran.out).toBe("full\n");
  });

  test("files by hand mean the same, also where runtimes let models work", async () => {
    const script = `mkdir -p outbox work/outbox workspace/outbox
echo a >outbox/01-confess.md; echo b >work/outbox/02-ask.md
printf -- '---\\nto: bob\\n---\\nc\\n' >workspace/outbox/3-tell.md`;
    expect((await run("files", script)).messages).toEqual([
      { verb: "confess", text: "a" },
      { verb: "ask", text: "b" },
      { verb: "tell", to: "bob", text: "c" },
    ]);
  });

  test("an outbox in the folder that a job keeps for its next run counts, once", async () => {
    const script = `kept=../../../sessions/keeps; mkdir -p "$kept/work/outbox"
echo q >"$kept/work/outbox/01-ask.md"; echo 1 >"$kept/kept"; towline status half`;
    expect((await run("keeps", script)).messages).toEqual([
      { verb: "ask", text: "q" },
      { verb: "status", text: "half" },
    ]);
    const folder = readdirSync(join(place.home, ".towline", "p", "sessions", "keeps", "work"));
    expect(folder).toEqual([]);
  });

  test("what is made to do harm is counted, and the rest is taken", async () => {
    const script = `mkdir -p outbox work && cd outbox
ln -s /etc/passwd 01-reply.md; ln -s ../script 02-reply.md; mkfifo 03-reply.md; mkdir 04-reply.md
echo x >'05-reply
file 6 06-reply.md'; echo x >'07 reply.md'; echo x >reply.md; echo x >-rf.md; echo x >'$(touch pwned).md'
dd if=/dev/zero of=08-reply.md bs=1 count=1 seek=300000000 2>/dev/null
head -c 50000 /dev/urandom >09-reply.md; printf 'a\\000b' >10-reply.md
echo good >11-status.md; ln -s /etc ../work/outbox; echo y >12-.md; echo z >../outbox.x`;
    const ran = await run("harm", script);
    expect(ran.end).toBe("exited");
    expect(ran.messages).toEqual([{ verb: "status", text: "good" }]);
    expect(ran.raw).not.toContain("root:");
    expect(ran.remarks.join("\n")).toContain("9 entries are no files");
    expect(ran.remarks.join("\n")).toContain("08-reply.md is over 64 KiB");
    expect(ran.remarks.join("\n")).toContain("09-reply.md: must be UTF-8 text");
    expect(ran.remarks.join("\n")).toContain("10-reply.md: must be UTF-8 text");
  });

  // Ten thousand files cost seconds, and are counted alike everywhere.
  if (name === first?.name)
    test("ten thousand files: the first hundred are taken", async () => {
      const script = `mkdir outbox && cd outbox && awk 'BEGIN { for (at = 1; at <= 10000; at++) { name = at "-learn.md"; print at >name; close(name) } }'`;
      const ran = await run("thousands", script);
      expect([ran.end, ran.messages.length]).toEqual(["exited", 100]);
      expect(ran.remarks).toEqual(["9900 files are too many: the first ones are taken"]);
    });

  test("an outbox that is elsewhere is none", async () => {
    const elsewhere = await run(
      "elsewhere",
      "mkdir away; echo x >away/01-ask.md; ln -s away outbox; ln -s away work; mkdir away/outbox",
    );
    expect([elsewhere.end, elsewhere.raw]).toEqual(["exited", ""]);
  });

  test("a run that was killed has said what it said", async () => {
    const ran = await run("killed", "towline confess 'I fork too much'; kill -s KILL $PPID; kill -s KILL $$");
    expect(ran.messages).toEqual([{ verb: "confess", text: "I fork too much" }]);
  });

  test("the command is there once, for nobody to change, and goes with the rest", async () => {
    const bin = join(place.home, ".towline", "bin");
    const kit = `${hostProgram().sha256}.d`;
    expect(readdirSync(join(bin, kit))).toEqual(["towline"]);
    expect(execFileSync("stat", ["-c", "%a", join(bin, kit, "towline")], { encoding: "utf8" }).trim()).toBe("500");
    expect(await session.files.uproot(true)).toEqual({ packs: [], left: [] });
    expect(existsSync(join(place.home, ".towline"))).toBe(false);
  });
});
