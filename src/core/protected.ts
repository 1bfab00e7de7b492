// Paths that no agent changes: what would give it, or another agent, more rights than a person gave.
import { folders, pathClass } from "./schema.ts";

interface Family {
  /** Reads after `it`. */
  what: string;
  test: RegExp;
}

// Tested against folded paths: lower case, one form of each character, no invisible ones.
const families: Family[] = [
  {
    what: "is run by the forge",
    test: /^(\.github\/(workflows|actions|dependabot\.ya?ml)|\.(gitea|forgejo)\/workflows|\.gitlab-ci\.yml|\.gitlab\/ci|\.circleci|\.buildkite|\.drone\.ya?ml|\.woodpecker(\.ya?ml)?|\.travis\.yml|\.appveyor\.yml|appveyor\.yml|azure-pipelines[^/]*\.ya?ml|\.azure-pipelines|bitbucket-pipelines\.yml|jenkinsfile[^/]*|\.cirrus\.(yml|star)|\.build\.ya?ml|\.builds|\.semaphore|\.tekton|\.teamcity|cloudbuild\.(ya?ml|json)|buildspec[^/]*\.ya?ml|codemagic\.ya?ml|bitrise\.ya?ml|(.*\/)?action\.ya?ml)(\/|$)/,
  },
  {
    what: "says who must review",
    test: /^(\.github\/|\.gitlab\/|\.gitea\/|docs\/)?codeowners$/,
  },
  {
    what: "is a setting of the forge",
    test: /^\.github\/(settings|rulesets?|branch-protection|mergify|auto_assign|labeler|stale)(\.ya?ml|\/|$)|^\.mergify\.yml$/,
  },
  {
    what: "says what git does with the files",
    test: /(^|\/)(\.gitattributes|\.gitmodules|\.gitconfig|\.lfsconfig|\.mailmap)$/,
  },
  {
    what: "runs by itself where it is checked out",
    test: /(^|\/)(\.husky|\.githooks|\.git-hooks|\.vscode|\.idea|\.devcontainer)(\/|$)|(^|\/)(\.pre-commit-config\.yaml|\.?lefthook[^/]*\.ya?ml|\.envrc|\.devcontainer\.json)$/,
  },
  {
    what: "holds instructions of agents",
    test: /(^|\/)((claude|agents|gemini|agent|qwen|warp|crush|copilot-instructions)(\.local|\.override)?\.md|\.mcp\.json|opencode\.jsonc?|\.cursorrules|\.windsurfrules|\.roorules[^/]*|\.rules|\.aider[^/]*|\.goosehints)$|(^|\/)(\.claude|\.codex|\.cursor|\.gemini|\.windsurf|\.continue|\.roo|\.clinerules|\.agents?|\.opencode|\.kiro|\.junie|\.amazonq|\.augment|\.trae|\.qwen|\.towline|\.github\/(instructions|prompts|chatmodes|agents))(\/|$)|^task\.md$/,
  },
];

const lock_files =
  /(^|\/)(package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.ya?ml|bun\.lockb?|deno\.lock|cargo\.lock|gemfile\.lock|poetry\.lock|uv\.lock|pdm\.lock|pipfile\.lock|composer\.lock|go\.sum|flake\.lock|mix\.lock|pubspec\.lock|podfile\.lock|packages\.lock\.json|gradle\.lockfile|package\.resolved)$/;

const policy = new Set([...Object.keys(folders), "plugins", "reviews"]);

/** One form for all the spellings that some file system takes for the same name. */
export function folded(path: string): string {
  return path
    .normalize("NFKC")
    .replace(/\p{Default_Ignorable_Code_Point}/gu, "")
    .toLowerCase()
    .normalize("NFC")
    .split("/")
    .map((part) => part.replace(/[. ]+$/, ""))
    .join("/");
}

/** What a change at this (folded) path would touch that is not an agent's to change, or null. */
export function protectedPath(path: string): string | null {
  return families.find(({ test }) => test.test(path))?.what ?? null;
}

/** The same for a repository with towline records in it: they say what agents may do at all. */
export function packRecord(path: string): boolean {
  const first = path.split("/", 1)[0] as string;
  return (
    policy.has(first) ||
    path === "towline.yml" ||
    path === "stop.md" ||
    path === "overview.md" ||
    pathClass(path) === "ledger"
  );
}

export const isLockFile = (path: string) => lock_files.test(path);
