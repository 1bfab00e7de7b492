// When the disks of hosts will be full, if they go on as they did: a line through what the hosts noted of themselves.
import { type Context, type HostSample, type Page, Plugin, type Thing } from "towline/plugin";

interface Forecast {
  host: string;
  /** Until nothing is free, as things go; null: it does not fill. */
  days: number | null;
  /** Bytes that it fills a day. */
  growth: number;
  free: number;
  total: number;
}

const day = 86_400_000;
/** Less than this says nothing of a trend. */
const least_span = day / 4;
const least_samples = 5;

export default class extends Plugin {
  static override api = 1;
  override title = "When the disks of hosts will be full";
  override every = "6h";
  override needs: Plugin["needs"] = ["hosts"];
  override kinds = {
    "disk.filling": "a disk will be full within `warn`; data: host, days, growth_mb, free_gb",
    "disk.steady": "a disk that was filling is not any more",
  };
  override options: Plugin["options"] = {
    warn: { says: "told when a disk is full within this time", kind: "duration", default: 7 * 86_400 },
  };

  override poll({ hosts, options, known }: Context): Thing[] {
    const filling = new Set(known.filter(({ kind }) => kind === "disk.filling").map(({ subject }) => subject));
    return forecasts(hosts).map((one) => {
      // Told once within the time; steady again only well beyond it, or it would be told each day anew.
      const limit = (options.warn / 86_400) * (filling.has(one.host) ? 1.5 : 1);
      return one.days !== null && one.days <= limit ? warning(one) : steady(one);
    });
  }

  override page({ hosts }: Context): Page {
    const all = forecasts(hosts).sort((a, b) => (a.days ?? Infinity) - (b.days ?? Infinity));
    const rows = all.map((one) => [one.host, `${gb(one.free)} of ${gb(one.total)}`, rate(one.growth), words(one.days)]);
    return {
      title: "Disks",
      blocks: [
        { table: { columns: ["host", "free", "a day", "full"], rows } },
        {
          bars: all.map(({ host, free, total }) => ({
            label: host,
            value: Math.round(100 - (free / total) * 100),
            says: "% used",
          })),
        },
      ],
    };
  }
}

const gb = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
const rate = (bytes: number) => `${bytes < 0 ? "−" : "+"}${Math.abs(bytes / 1e6).toFixed(0)} MB`;
const words = (days: number | null) =>
  days === null
    ? "not in sight"
    : days < 1
      ? "within a day"
      : `in ${Math.round(days)} ${Math.round(days) === 1 ? "day" : "days"}`;

const warning = ({ host, days, growth, free }: Forecast): Thing => ({
  subject: host,
  kind: "disk.filling",
  // How many days it takes differs with every poll: that alone is no news.
  title: `The disk of ${host} will be full ${words(days)}`,
  data: {
    ...{ host, days: Math.round((days ?? 0) * 10) / 10 },
    ...{ growth_mb: Math.round(growth / 1e6), free_gb: Math.round(free / 1e8) / 10 },
  },
});

const steady = ({ host }: Forecast): Thing => ({
  subject: host,
  kind: "disk.steady",
  first: "calm",
  title: `The disk of ${host} will not be full soon`,
  data: { host },
});

function forecasts(samples: readonly HostSample[]): Forecast[] {
  return [...Map.groupBy(samples, ({ host }) => host)].flatMap(([host, own]) => {
    const last = own.at(-1) as HostSample;
    const points = sinceCleaned(own).map((one): [number, number] => [
      Date.parse(one.at),
      one.disk_total - one.disk_free,
    ]);
    const span = (points.at(-1)?.[0] ?? 0) - (points[0]?.[0] ?? 0);
    if (points.length < least_samples || span < least_span || last.disk_total <= 0) return [];
    const growth = slope(points) * day;
    // Noise of a disk that stands still is no trend: a thousandth of it a day.
    const fills = growth > last.disk_total / 1000;
    return [
      { host, days: fills ? last.disk_free / growth : null, growth, free: last.disk_free, total: last.disk_total },
    ];
  });
}

/** What came before somebody cleaned up, or gave it another disk, says nothing of what comes: from the last such jump on. */
function sinceCleaned(samples: readonly HostSample[]): readonly HostSample[] {
  const at = samples.findLastIndex((one, i) => {
    const before = samples[i - 1];
    if (!before) return false;
    const freed = one.disk_free - before.disk_free;
    return one.disk_total !== before.disk_total || freed > one.disk_total * 0.05;
  });
  return samples.slice(Math.max(0, at));
}

/** Of the straight line that lies closest to the points (least squares), per millisecond. */
function slope(points: readonly [number, number][]): number {
  const mean = (at: 0 | 1) => points.reduce((sum, point) => sum + point[at], 0) / points.length;
  const [middle, level] = [mean(0), mean(1)];
  const over = points.reduce((sum, [x, y]) => sum + (x - middle) * (y - level), 0);
  return over / points.reduce((sum, [x]) => sum + (x - middle) ** 2, 0);
}
