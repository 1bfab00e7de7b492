// Secrets: that each name in use is handed to the ticks, and is set where they take it from.
import type { Examined, Finding } from "./doctor.ts";
import { secretNames } from "./secret-names.ts";
import { tick_workflow, tickEnv } from "./tick-env.ts";

export function secretFindings({ files, workflow, forge }: Examined): Finding[] {
  if (workflow === null) return [];
  const given = tickEnv(workflow);
  if (given === null)
    return [
      {
        level: "error",
        code: "workflow",
        message: "it cannot be read as YAML, so no tick runs",
        fix: "look at it with an editor that knows workflows",
        path: tick_workflow,
        line: 1,
      },
    ];
  const { names } = secretNames(files);
  const unmapped = names.filter(({ name, optional }) => !optional && !given.has(name));
  const set = forge?.secrets && new Set(forge.secrets);
  const unset = names.filter(({ name, optional }) => {
    const secret = given.get(name)?.secret;
    return !optional && secret && set && !set.has(secret);
  });
  return [
    ...unmapped.map(
      ({ name, uses }): Finding => ({
        level: "error",
        code: "unmapped-secret",
        message: `\`${name}\` is used here, and ${tick_workflow} does not hand it to the ticks`,
        fix: "towline upgrade",
        ...uses[0],
      }),
    ),
    ...unset.map(({ name }): Finding => {
      const handed = given.get(name);
      return {
        level: "error",
        code: "unset-secret",
        message: `the secret ${handed?.secret} does not exist, and \`${name}\` is taken from it`,
        fix: `gh secret set ${handed?.secret}`,
        path: tick_workflow,
        ...(handed ? { line: handed.line } : {}),
        link: `${forge?.page}/settings/secrets/actions`,
      };
    }),
  ];
}
