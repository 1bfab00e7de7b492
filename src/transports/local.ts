// This machine as a host: the same program, spoken to through pipes.
import { spawn } from "node:child_process";
import { type Connection, HostFault, type Pipe, type Transport } from "../ports.ts";
import { chunks, keepText } from "./pipe.ts";

export interface LocalOptions {
  /** HOME of the agents. */
  home: string;
  /** PATH of the agents. Nothing else of our own environment reaches them: it holds keys. */
  path: string;
  user?: string;
}

export function local({ home, path, user = "towline" }: LocalOptions): Transport {
  const env = { HOME: home, PATH: path, USER: user, LOGNAME: user, LANG: "C.UTF-8", SHELL: "/bin/sh" };

  const exec = (command: string) =>
    new Promise<Pipe>((resolve, reject) => {
      const child = spawn("sh", ["-c", command], { cwd: home, env, stdio: "pipe" });
      const closed = new Promise<number | null>((done) => child.once("close", (code) => done(code)));
      const stderr = keepText(child.stderr);
      child.stdin.on("error", () => {});
      child.once("error", (thrown) =>
        reject(new HostFault("unreachable", `no shell on this machine: ${thrown.message}`)),
      );
      child.once("spawn", () =>
        resolve({
          stdin: {
            write: (data) => void child.stdin.write(data),
            end: () => void child.stdin.end(),
          },
          stdout: chunks(child.stdout),
          stderr,
          closed,
          kill: () => void child.kill("SIGKILL"),
        }),
      );
    });

  return {
    name: "local",
    connect: async () => {
      const pipes = new Set<Pipe>();
      const connection: Connection = {
        async exec(command) {
          const pipe = await exec(command);
          pipes.add(pipe);
          void pipe.closed.then(() => pipes.delete(pipe));
          return pipe;
        },
        close() {
          // As over SSH: commands see the end of their input, and only one that does not care is killed.
          for (const pipe of pipes) pipe.stdin.end();
          setTimeout(() => {
            for (const pipe of pipes) pipe.kill();
          }, 2000).unref();
        },
      };
      return connection;
    },
  };
}
