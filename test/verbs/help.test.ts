// What the program says of itself: each verb shows how it is typed, in words that it takes.
import type { Command } from "commander";
import { expect, test } from "vitest";
import { verbs } from "../../scripts/docs.ts";
import { examples } from "../../src/verbs/examples.ts";

const leaves = verbs().filter(({ command }) => command.commands.length === 0);

/** The words of a line after `towline`, up to a pipe or a redirection, as a shell would take them. */
function wordsOf(line: string): string[] {
  const [shown = ""] = line.split("  ");
  const said = /\btowline\b((?:'[^']*'|"[^"]*"|[^|<>)'"])*)/.exec(shown)?.[1] ?? "";
  return [...said.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? "");
}

/** Why the verb would not take these words; null: it would. */
function refusal(command: Command, words: string[]): string | null {
  let args = 0;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    if (!/^-./.test(word)) {
      args++;
      continue;
    }
    const option = command.options.find((one) => one.short === word || one.long === word);
    if (!option) return `no option ${word}`;
    if (option.required) at++;
    else if (option.optional && !(words[at + 1] ?? "-").startsWith("-")) at++;
  }
  const least = command.registeredArguments.filter((one) => one.required).length;
  const most = command.registeredArguments.some((one) => one.variadic) ? 99 : command.registeredArguments.length;
  return args < least || args > most ? `${args} arguments` : null;
}

test("every verb has an example, and takes it; there is none for a verb that is not there", () => {
  expect(Object.keys(examples).sort()).toEqual(leaves.map(({ path }) => path).sort());
  const wrong = leaves.flatMap(({ path, command }) =>
    (examples[path] as string[]).flatMap((line) => {
      const words = wordsOf(line);
      const own = path.split(" ");
      const named = own.every((word, at) => words[at] === word);
      if (!named && path !== "now") return [`${line}: is not ${path}`];
      const why = refusal(command, words.slice(named ? own.length : 0));
      return why === null ? [] : [`${line}: ${why}`];
    }),
  );
  expect(wrong).toEqual([]);
});
