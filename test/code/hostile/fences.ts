// What of a markdown text stands in no fence: what an agent takes for words to itself.

/** A fence is opened and closed as CommonMark has it. */
export function unfenced(text: string): string {
  const out: string[] = [];
  let open: { mark: string; length: number } | null = null;
  for (const line of text.split(/\r\n|[\r\n\u000b\u000c\u0085\u2028\u2029]/)) {
    const [, run = "", rest = ""] = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
    if (open) {
      if (run[0] === open.mark && run.length >= open.length && rest.trim() === "") open = null;
    } else if (run !== "" && !(run[0] === "`" && rest.includes("`")))
      open = { mark: run[0] as string, length: run.length };
    else out.push(line);
  }
  return out.join("\n");
}
