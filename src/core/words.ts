// Text → the words that it is found by. src/remote/agent/rank.awk does the same with bytes, so each step here is one that
// any awk can take: no look into Unicode's tables but the small one below, which travels to the host.

export interface Word {
  text: string;
  /** All of `getUserName`, beside its parts: it counts only where somebody wrote it down. */
  whole: boolean;
}

/** Nobody asks with more words, and no word is longer (bytes): what is beyond is not looked at. */
export const most = { words: 300, bytes: 200 };

const odd: Record<string, string> = {
  ß: "ss",
  Æ: "ae",
  æ: "ae",
  Ø: "o",
  ø: "o",
  Œ: "oe",
  œ: "oe",
  Đ: "d",
  đ: "d",
  Ð: "d",
  ð: "d",
  Þ: "th",
  þ: "th",
  Ł: "l",
  ł: "l",
  ı: "i",
};

/** Of Latin letters with marks, and of capitals of Greek and Cyrillic: what they are found by. */
export const folds: ReadonlyMap<string, string> = new Map(
  Array.from({ length: 0x460 - 0xc0 }, (_, at) => String.fromCharCode(0xc0 + at)).flatMap((letter) => {
    const plain =
      odd[letter] ??
      letter
        .toLowerCase()
        .normalize("NFD")
        .replace(/[\u0300-\u036f]/g, "");
    const known = letter < "\u0180" ? /^[a-z]{1,2}$/ : /^[\u03b1-\u03c9\u0430-\u045f]$/;
    return plain !== letter && known.test(plain) ? [[letter, plain] as [string, string]] : [];
  }),
);

/** Words that say nothing of what a text is about. */
export const stops: readonly string[] = (
  "a about above add after again all already also always am an and another any anything are as at be because been before being " +
  "below between both but by can cannot could did do does doing don done down each either else every everything few first " +
  "for from get gets give given go goes going got had has have having he her here him his how however if in instead into is " +
  "it its itself just keep last let like ll look looks made make makes making many may me might mine more most much must my " +
  "need needed needs never new next no nobody none nor not nothing now of off often on once one only onto or other others our " +
  "out over own please put puts re right same say see seem seen shall she should show since so some somebody somebody's " +
  "something soon still such take taken takes than that the their them then there these they thing things this those though " +
  "through to too two under until up us use used user using ve very want wants was way we well went were what when where " +
  "whether which while who whole whom whose why will with within without would write writing yes yet you your"
).split(" ");

/** Short forms and names of the same thing. Both sides are words in lower case. */
export const same: Readonly<Record<string, string>> = {
  a11y: "accessibility",
  auth: "authentication",
  autocomplete: "search",
  bg: "background",
  btn: "button",
  color: "colour",
  colors: "colour",
  config: "configuration",
  configs: "configuration",
  creds: "credentials",
  db: "database",
  deps: "dependencies",
  dir: "folder",
  dirs: "folder",
  directory: "folder",
  directories: "folder",
  docs: "documentation",
  env: "environment",
  flake: "flaky",
  flakes: "flaky",
  i18n: "translation",
  img: "picture",
  image: "picture",
  images: "picture",
  js: "javascript",
  jsx: "javascript",
  k8s: "kubernetes",
  kt: "kotlin",
  l10n: "translation",
  license: "licence",
  md: "markdown",
  mjs: "javascript",
  perf: "performance",
  perms: "permission",
  pg: "postgres",
  postgresql: "postgres",
  pr: "pull",
  prs: "pull",
  psql: "postgres",
  py: "python",
  rb: "ruby",
  repo: "repository",
  repos: "repository",
  rs: "rust",
  sh: "shell",
  bash: "shell",
  signin: "login",
  ts: "typescript",
  tsx: "typescript",
  yml: "yaml",
};

/** The words of a text in their order, as they are found. */
export function words(text: string): Word[] {
  const found: Word[] = [];
  let count = 0;
  for (const run of text.split(/[ \t\n\r\f\v]+/)) {
    if (run === "") continue;
    if (++count > most.words) break;
    if (bytesOf(run) > most.bytes) continue;
    for (const parts of partsOf(run)) {
      found.push(...parts.flatMap(wordOf(false)));
      if (parts.length > 1) found.push(...wordOf(true)(parts.join("")));
    }
  }
  return found;
}

const bytesOf = (text: string) => {
  let bytes = 0;
  for (const letter of text) {
    const point = letter.codePointAt(0) as number;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
};

const stopped = new Set(stops);

const wordOf =
  (whole: boolean) =>
  (raw: string): Word[] => {
    if (/^[a-z0-9]?$/.test(raw) || /^[0-9]+$/.test(raw) || stopped.has(raw)) return [];
    return [{ text: stem(Object.hasOwn(same, raw) ? (same[raw] as string) : raw), whole }];
  };

const isUpper = (letter: string | undefined) => letter !== undefined && letter >= "A" && letter <= "Z";
const isLower = (letter: string | undefined) => letter !== undefined && letter >= "a" && letter <= "z";

/** Runs of letters and digits, each as the parts that its capitals make: `HTMLParser`, `userIDs`. */
function partsOf(run: string): string[][] {
  const letters = [...run];
  const all: string[][] = [];
  let parts: string[] = [];
  let part = "";
  let before = "";
  const end = () => {
    if (part !== "") parts.push(part);
    part = "";
  };
  for (const [at, letter] of letters.entries()) {
    const to = found(letter);
    if (to === null) {
      end();
      if (parts.length > 0) all.push(parts);
      parts = [];
      before = "";
    } else if (isUpper(letter)) {
      if (before === "low" || (before === "up" && beginsWord(letters, at))) end();
      part += letter.toLowerCase();
      before = "up";
    } else if (to !== "") {
      part += to;
      // The case of other letters is not known here.
      if (letter < "\u0080") before = "low";
    }
  }
  end();
  return parts.length > 0 ? [...all, parts] : all;
}

/** The last capital of `HTMLParser`, but not the one of `userIDs`. */
const beginsWord = (letters: string[], at: number) =>
  isLower(letters[at + 1]) && !(letters[at + 1] === "s" && !isLower(letters[at + 2]));

/** What a letter is found by; null: it is none. */
function found(letter: string): string | null {
  const point = letter.codePointAt(0) as number;
  if (point < 0x80) return /[A-Za-z0-9]/.test(letter) ? letter : null;
  if (point < 0xc0 || (point >= 0x2000 && point < 0x2080) || (point >= 0x3000 && point < 0x3040)) return null;
  return point >= 0x300 && point < 0x370 ? "" : (folds.get(letter) ?? letter);
}

/** Without the endings of English, so that `migrated` and `migrations` meet. Other letters than these stay as they are. */
export function stem(word: string): string {
  if (!/^[a-z0-9]+$/.test(word)) return word;
  let base = singular(word);
  const ends = (end: string, least: number) => base.length >= least && base.endsWith(end);
  if (ends("ing", 6)) base = shortened(base, 3);
  else if (ends("ied", 5)) base = `${base.slice(0, -3)}y`;
  else if (ends("ed", 5) && !ends("eed", 5)) base = shortened(base, 2);
  else if (ends("tion", 7) || ends("sion", 7)) base = base.slice(0, -3);
  else if (ends("ly", 6)) base = base.slice(0, -2);
  return ends("e", 4) ? base.slice(0, -1) : base;
}

function singular(word: string): string {
  const ends = (end: string, least: number) => word.length >= least && word.endsWith(end);
  if (ends("ies", 5)) return `${word.slice(0, -3)}y`;
  if (ends("sses", 6) || ends("shes", 6) || ends("ches", 6) || ends("xes", 6) || ends("zzes", 6))
    return word.slice(0, -2);
  return ends("s", 4) && !ends("ss", 4) && !ends("us", 4) && !ends("is", 4) ? word.slice(0, -1) : word;
}

/** `stopping` → `stop`, but `calling` → `call`; without a vowel it is no ending: `string`. */
function shortened(word: string, ending: number): string {
  const base = word.slice(0, -ending);
  if (!/[aeiouy]/.test(base)) return word;
  const last = base.slice(-1);
  return base.slice(-2) === last + last && !/[lsz]/.test(last) ? base.slice(0, -1) : base;
}
