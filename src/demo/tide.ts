// The demo's plugin, as the file that it is in the pack: what one looks like, a pupdate of its own, a page of the dashboard.

export const tide = `// A plugin: one class in one file. It runs in a process of its own, without files, network or environment.
// This one looks at nothing but the time: the moon's two tides a day, as a harbour without a shore would have them.
import { type Context, type Page, Plugin, type Thing } from "towline/plugin";

const period = 12.42 * 3_600_000;

/** From -1 (low water) to 1 (high water). */
const height = (at: number) => Math.cos((2 * Math.PI * at) / period);

export default class extends Plugin {
  static api = 1;
  title = "The tide at the demo's harbour";
  every = "10m";
  kinds = { "tide.rising": "the water rises", "tide.falling": "the water falls" };

  // Everything that is so now. The same thing twice is told once: news is when the tide turns.
  poll({ now }: Context): Thing[] {
    const at = Date.parse(now);
    const rises = height(at + 60_000) > height(at);
    const metres = (2 + height(at)).toFixed(1);
    return [{ subject: "harbour", kind: rises ? "tide.rising" : "tide.falling", title: \`The tide \${rises ? "rises" : "falls"}: \${metres} m\` }];
  }

  // A page of the dashboard is data: towline draws it.
  page({ now }: Context): Page {
    const hour = Math.floor(Date.parse(now) / 3_600_000);
    const bars = Array.from({ length: 12 }, (_, at) => {
      const time = (hour + at) * 3_600_000;
      const metres = 2 + height(time);
      return { label: new Date(time).toISOString().slice(11, 16), value: metres, says: \`\${metres.toFixed(1)} m\` };
    });
    return { title: "Tides (UTC)", blocks: [{ text: "The next twelve hours." }, { bars }] };
  }
}
`;
