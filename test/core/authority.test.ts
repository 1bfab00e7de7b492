// The table of rights, cell by cell, against one that was written by hand.
import { describe, expect, test } from "vitest";
import {
  type Act,
  type Actor,
  actors,
  acts,
  authorityTable,
  type Condition,
  conditions,
  may,
  mayAll,
  type Target,
  targets,
} from "../../src/core/authority.ts";
import { actorOf, looks, ownersOf, type Person, type Right, takenFor } from "../../src/core/who.ts";

// + yes, . no. Columns: owner, admin, write, read, none, fork, bot, self, author, unknown.
const by_hand = `
                          owner admin write read none fork bot self author unknown
run             policy      .     .     .    .    .    .    .   .     .      .
run             work        +     +     +    .    .    .    .   .     .      .
run             ledger      +     +     +    .    .    .    .   .     .      .
run             branch      .     .     .    .    .    .    .   .     .      .
cancel          policy      .     .     .    .    .    .    .   .     .      .
cancel          work        .     .     .    .    .    .    .   .     .      .
cancel          ledger      +     +     +    .    .    .    .   .     .      .
cancel          branch      +     +     +    .    .    .    .   .     .      .
answer          policy      .     .     .    .    .    .    .   .     .      .
answer          work        .     .     .    .    .    .    .   .     .      .
answer          ledger      +     +     +    .    .    .    .   .     .      .
answer          branch      +     +     +    .    .    .    .   .     .      .
approve         policy      +     +     .    .    .    .    .   .     .      .
approve         work        +     +     +    .    .    .    .   .     .      .
approve         ledger      +     +     +    .    .    .    .   .     .      .
approve         branch      +     +     +    .    .    .    .   .     .      .
drop            policy      +     +     +    .    .    .    .   .     .      .
drop            work        +     +     +    .    .    .    .   .     .      .
drop            ledger      +     +     +    .    .    .    .   .     .      .
drop            branch      +     +     +    .    .    .    .   .     .      .
why             policy      +     +     +    .    .    .    .   .     .      .
why             work        +     +     +    .    .    .    .   .     .      .
why             ledger      +     +     +    .    .    .    .   .     .      .
why             branch      +     +     +    .    .    .    .   .     .      .
stop            policy      +     +     +    .    .    .    .   .     .      .
stop            work        .     .     .    .    .    .    .   .     .      .
stop            ledger      .     .     .    .    .    .    .   .     .      .
stop            branch      .     .     .    .    .    .    .   .     .      .
go-on           policy      +     +     .    .    .    .    .   .     .      .
go-on           work        .     .     .    .    .    .    .   .     .      .
go-on           ledger      .     .     .    .    .    .    .   .     .      .
go-on           branch      .     .     .    .    .    .    .   .     .      .
review.approved policy      +     +     .    .    .    .    .   .     .      .
review.approved work        +     +     +    .    .    .    .   .     .      .
review.approved ledger      .     .     .    .    .    .    .   .     .      .
review.approved branch      +     +     +    .    .    .    .   .     .      .
review.changes  policy      +     +     +    .    .    .    .   .     .      .
review.changes  work        +     +     +    .    .    .    .   .     .      .
review.changes  ledger      .     .     .    .    .    .    .   .     .      .
review.changes  branch      +     +     +    .    .    .    .   .     .      .
issue           policy      .     .     .    .    .    .    .   .     .      .
issue           work        .     .     .    .    .    .    .   .     .      .
issue           ledger      +     +     +    .    .    .    .   .     .      .
issue           branch      .     .     .    .    .    .    .   .     .      .
merged          policy      +     +     .    .    .    .    .   .     .      .
merged          work        +     +     +    .    .    .    .   .     .      .
merged          ledger      .     .     .    .    .    .    .   .     .      .
merged          branch      +     +     +    .    .    .    .   .     .      .
`;

const lines = by_hand.trim().split("\n");
const names = (lines[0] as string).trim().split(/\s+/);
const rows = lines.slice(1).map((line) => {
  const [act, target, ...cells] = line.trim().split(/\s+/);
  return { act: act as Act, target: target as Target, cells };
});

/** What a later state of things leaves of a yes, by hand. */
function stays(act: Act, condition: Condition): boolean {
  if (condition === "fresh") return true;
  if (condition === "edited" || condition === "used") return false;
  return act !== "approve" && act !== "review.approved";
}

describe("the table of rights", () => {
  test("has every actor, act and target in it, once", () => {
    expect(names).toEqual([...actors]);
    expect(rows.map(({ act, target }) => `${act} ${target}`)).toEqual(
      acts.flatMap((act) => targets.map((target) => `${act} ${target}`)),
    );
    expect(rows.every(({ cells }) => cells.length === actors.length)).toBe(true);
    expect(actors.length * acts.length * targets.length * conditions.length).toBe(1920);
  });

  for (const condition of conditions)
    test.each(rows)(`${condition}: $act on $target`, ({ act, target, cells }) => {
      const given = actors.map((actor) => (may(actor, act, target, condition).allow ? "+" : "."));
      const wanted = cells.map((cell) => (cell === "+" && stays(act, condition) ? "+" : "."));
      expect(given.join("")).toBe(wanted.join(""));
    });

  test("says no to everything while it is not known who asks, and that it may be asked again", () => {
    for (const act of acts)
      for (const target of targets)
        for (const condition of conditions)
          expect(may("unknown", act, target, condition)).toMatchObject({ allow: false, later: true, silent: false });
  });

  test("gives a reason for each no, and no answer to strangers and machines", () => {
    for (const act of acts)
      for (const target of targets)
        for (const actor of actors) {
          const verdict = may(actor, act, target, "fresh");
          if (verdict.allow) continue;
          expect(verdict.reason).toMatch(/^[a-z`].{10,}[^.]$/);
          expect(verdict.silent).toBe(["read", "none", "fork", "bot", "self"].includes(actor));
        }
    expect(may("write", "review.approved", "policy", "fresh")).toMatchObject({
      reason: "an approval on the pack's policy takes an owner or an admin",
    });
    expect(may("read", "run", "work", "fresh")).toMatchObject({
      reason: "`run` on people's tasks takes write access to the repository",
    });
  });

  test("the strictest of several paths counts, and no path at all is no", () => {
    expect(mayAll("write", "merged", ["work", "branch"], "fresh").allow).toBe(true);
    expect(mayAll("write", "merged", ["work", "policy"], "fresh").allow).toBe(false);
    expect(mayAll("owner", "merged", ["policy", "ledger"], "fresh").allow).toBe(false);
    expect(mayAll("owner", "merged", [], "fresh").allow).toBe(false);
  });

  test("can be printed, with a row for each thing that somebody may do", () => {
    const shown = authorityTable()
      .split("\n")
      .filter((line) => line.startsWith("| "))
      .slice(2);
    expect(shown).toHaveLength(rows.filter(({ cells }) => cells.includes("+")).length);
    expect(authorityTable()).toContain(
      "| `stop off` | the pack's policy | yes | yes | no | no | no | no | no | no | no | no |",
    );
  });
});

const owners = ["ann:7", "bob (8)", "@Carol 9", "dave"];
const person = (more: Partial<Person>): Person => ({
  login: "ann",
  id: "7",
  bot: false,
  permission: "admin",
  ...more,
});
const who = (more: Partial<Person>, act: Act = "run", relation = {}): Actor =>
  actorOf(owners, person(more), act, relation);

describe("whose word it is", () => {
  test("owners are known by their number, with write access at this moment", () => {
    expect(ownersOf(owners)).toEqual({
      owners: [
        { login: "ann", id: "7" },
        { login: "bob", id: "8" },
        { login: "Carol", id: "9" },
      ],
      broken: ["dave"],
    });
    expect(who({})).toBe("owner");
    expect(who({ login: "renamed", permission: "write" })).toBe("owner");
    expect(who({ permission: "read" })).toBe("read");
    expect(who({ permission: "none" })).toBe("none");
    expect(who({ permission: "unknown" })).toBe("unknown");
    // A name without a number makes nobody an owner.
    expect(who({ login: "dave", id: "10", permission: "write" })).toBe("write");
  });

  test("an account that looks like an owner's is another one", () => {
    for (const login of ["ann", "ANN", "аnn", "a-nn", "änn"])
      expect(who({ login, id: "99", permission: "read" }), login).toBe("read");
    expect(takenFor(owners, { login: "аnn", id: "99" })).toBe("ann");
    expect(takenFor(owners, { login: "b0b", id: "99" })).toBe("bob");
    expect(takenFor(owners, { login: "CAR0L", id: "99" })).toBe("Carol");
    expect(takenFor(owners, { login: "caroi", id: "99" })).toBe("Carol");
    expect(takenFor(owners, { login: "Carol", id: "9" })).toBeNull();
    expect(takenFor(owners, { login: "erin", id: "99" })).toBeNull();
    expect(looks("rnax")).toBe(looks("max"));
  });

  test("bots and apps are none of them, whatever they may do", () => {
    expect(who({ bot: true })).toBe("bot");
    expect(who({ bot: undefined as unknown as boolean })).toBe("bot");
    expect(who({ login: "ann[bot]" })).toBe("bot");
    expect(who({ bot: true }, "run", { own: true })).toBe("self");
    expect(who({}, "run", { own: true })).toBe("self");
  });

  test("what is no number of an account is nobody", () => {
    for (const id of ["", "0", "07", "7 ", "7.0", "0x7", "-7", "1e1", "٧", "9".repeat(21)])
      expect(who({ id }), JSON.stringify(id)).toBe("unknown");
    for (const permission of ["", "owner", "maintain", "ADMIN", undefined])
      expect(who({ permission: permission as Right })).toBe("unknown");
  });

  test("a fork's author, and the account in whose name work was proposed", () => {
    expect(who({ permission: "read" }, "run", { fork: "7" })).toBe("fork");
    expect(who({ permission: "write" }, "run", { fork: "7" })).toBe("owner");
    expect(who({ id: "50", permission: "write" }, "approve", { author: "50" })).toBe("author");
    expect(who({}, "review.approved", { author: "7" })).toBe("author");
    expect(who({}, "merged", { author: "7" })).toBe("owner");
  });
});
