// A webhook inbox without a server. Whoever sends webhooks sends them to a mailbox that keeps them for some hours, and the
// tick reads what is in it: a topic of ntfy (https://docs.ntfy.sh/publish/), which any tool can post to, hosted by oneself
// or by others. A push would need something of ours that listens all the time; a mailbox needs nothing, and ticks that come
// late miss nothing, as long as they come before it forgets (`back`, 12 hours by default).
import { type Context, Plugin, type Thing } from "towline/plugin";

/** A line of what ntfy answers at /TOPIC/json?poll=1. */
interface Message {
  id: string;
  time: number;
  event: string;
  title?: string;
  message?: string;
  priority?: number;
  tags?: string[];
  click?: string;
}

export default class extends Plugin {
  static override api = 1;
  override title = "A webhook inbox: messages of an ntfy topic";
  override every = "5m";
  override kinds = {
    "inbox.message": "somebody sent a message; data: text, sent, priority, and fields of a JSON text",
  };
  override options: Plugin["options"] = {
    url: {
      says: "the topic's address, like https://ntfy.sh/TOPIC; env:NAME where knowing it is all that it takes to write there",
      kind: "address",
      required: true,
    },
    token: { says: "variable with the access token of a topic that is protected", kind: "variable" },
    back: { says: "how far back it is read: what came earlier is never told", kind: "duration", default: 43_200 },
  };

  override fetch({ options }: Context) {
    const path = `/json?poll=1&since=${options.back}s`;
    return { messages: { url: options.url, path, token: options.token, accept: "application/x-ndjson" } };
  }

  override poll({ fetched }: Context): Thing[] {
    const lines = (fetched.messages ?? "").split("\n").filter((line) => line.trim() !== "");
    const messages = lines.map((line) => JSON.parse(line) as Message).filter((one) => one.event === "message");
    // The newest stand last. What falls out here was told while it was among them.
    return messages.slice(-400).map(thingOf);
  }
}

function thingOf({ id, time, title, message = "", priority, tags, click }: Message): Thing {
  return {
    subject: id,
    kind: "inbox.message",
    title: title || message.split("\n", 1)[0] || "(an empty message)",
    url: click?.startsWith("https://") ? click : undefined,
    tags,
    // Anybody may have written it: rules treat it as data, and give no rights by it.
    data: { ...fieldsOf(message), text: message, sent: new Date(time * 1000).toISOString(), priority: priority ?? 3 },
  };
}

/** A webhook's body is often JSON: its plain fields are there for rules, as they are named. */
function fieldsOf(message: string): Record<string, string | number | boolean> {
  if (!message.startsWith("{")) return {};
  try {
    const plain = Object.entries(JSON.parse(message) as Record<string, unknown>).filter(
      ([name, value]) => /^[a-z][a-z0-9_]{0,39}$/.test(name) && ["string", "number", "boolean"].includes(typeof value),
    );
    return Object.fromEntries(plain.slice(0, 30)) as Record<string, string | number | boolean>;
  } catch {
    return {}; // it only looked like it
  }
}
