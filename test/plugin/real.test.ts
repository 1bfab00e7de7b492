// The plugins of this repository, by their test kit: what sources really answer, and what is told of it.
import { expect, test, vi } from "vitest";
import type { HostSample } from "../../src/plugin/define.ts";
import { kit } from "../../src/plugin/kit.ts";

// A hang limit only.
vi.setConfig({ testTimeout: 120_000 });

const alert = (name: string, more: object = {}) => ({
  fingerprint: "0f5a2d1c9b8e7f60",
  labels: { alertname: name, instance: "web1:9100", severity: "critical" },
  annotations: { summary: "The load is high" },
  startsAt: "2026-11-20T08:00:00.000Z",
  endsAt: "2026-11-20T09:10:00.000Z",
  updatedAt: "2026-11-20T09:00:00.000Z",
  generatorURL: "https://prometheus.example/graph?g0.expr=x",
  receivers: [{ name: "towline" }],
  status: { state: "active", silencedBy: [], inhibitedBy: [] },
  ...more,
});

test("alerts begin once, end once, and begin again", async () => {
  const one = await kit("plugins/alertmanager.ts");
  const settings = { url: "env:ALERTS", token: "ALERTS_TOKEN", only: "severity=critical" };
  const poll = (...alerts: object[]) => one.poll({ settings, fetched: { alerts: JSON.stringify(alerts) } });
  const brief = async (told: ReturnType<typeof poll>) => (await told).map(({ kind, subject }) => `${kind} ${subject}`);
  const [first] = await poll(alert("HighLoad"));
  expect(first).toEqual({
    kind: "alert.firing",
    subject: "HighLoad web1:9100",
    title: "HighLoad on web1:9100: The load is high",
    url: "https://prometheus.example/graph?g0.expr=x",
    data: {
      ...{ alert: "HighLoad", severity: "critical", instance: "web1:9100", summary: "The load is high" },
      ...{ since: "2026-11-20T08:00:00.000Z", plugin: "alertmanager" },
      labels: ["alertname=HighLoad", "instance=web1:9100", "severity=critical"],
    },
  });
  expect(one.asked.alerts).toEqual({
    url: "env:ALERTS",
    path: "/api/v2/alerts?active=true&silenced=false&inhibited=false&filter=severity%3D%22critical%22",
    token: "ALERTS_TOKEN",
  });
  expect(await poll(alert("HighLoad"))).toEqual([]);
  expect(await brief(poll(alert("HighLoad"), alert("Full")))).toEqual(["alert.firing Full web1:9100"]);
  expect(await brief(poll(alert("Full")))).toEqual(["alert.resolved HighLoad web1:9100"]);
  expect(await poll(alert("Full"))).toEqual([]);
  const again = alert("HighLoad", { startsAt: "2026-11-20T10:00:00.000Z" });
  expect(await brief(poll(alert("Full"), again))).toEqual(["alert.firing HighLoad web1:9100"]);
  const silenced = alert("Full", { status: { state: "suppressed", silencedBy: ["x"], inhibitedBy: [] } });
  expect(await brief(poll(silenced, again))).toEqual(["alert.resolved Full web1:9100"]);
  await expect(one.poll({ settings, fetched: { alerts: "<html>" } })).rejects.toThrow(
    /^plugins\/alertmanager\.ts:\d+: /,
  );
  await expect(one.poll({ settings: {} })).rejects.toThrow(/its option `url` is not set/);
});

test("each message of the inbox is told once, with the fields of its JSON", async () => {
  const one = await kit("plugins/inbox.ts");
  const line = (id: string, message: string, more: object = {}) =>
    JSON.stringify({ id, time: 1795_165_200, expires: 1795_208_400, event: "message", topic: "t", message, ...more });
  const poll = (...lines: string[]) =>
    one.poll({ settings: { url: "https://ntfy.example/t" }, fetched: { messages: `${lines.join("\n")}\n` } });
  const deploy = line("a1", '{"service":"shop","status":"failed","deep":{"x":1},"Bad Name":"y"}', { title: "deploy" });
  const [told, ...others] = await poll(JSON.stringify({ id: "k", time: 1, event: "keepalive" }), deploy);
  expect(others).toEqual([]);
  expect(told).toMatchObject({ kind: "inbox.message", subject: "a1", title: "deploy" });
  expect(told?.data).toMatchObject({
    service: "shop",
    status: "failed",
    priority: 3,
    sent: "2026-11-20T09:00:00.000Z",
  });
  expect(Object.keys(told?.data ?? {})).not.toContain("deep");
  expect(one.asked.messages?.path).toBe("/json?poll=1&since=43200s");
  expect(await poll(deploy)).toEqual([]);
  expect((await poll(deploy, line("a2", "the second\nline"))).map(({ title }) => title)).toEqual(["the second"]);
  // What the mailbox has forgotten is forgotten here, too, without a word.
  expect(await poll(line("a2", "the second\nline"))).toEqual([]);
  await expect(poll(deploy.slice(0, 40))).rejects.toThrow(/JSON/);
});

const gib = 2 ** 30;
/** A sample each hour; `free` by the hour. */
const samples = (host: string, hours: number, free: (hour: number) => number): HostSample[] =>
  Array.from({ length: hours }, (_, hour) => ({
    ...{ host, load: 0.1, memory_free: gib, memory_total: 2 * gib, slots: 0, disk_total: 100 * gib },
    at: new Date(Date.UTC(2026, 10, 20) + hour * 3_600_000).toISOString(),
    disk_free: free(hour),
  }));

test("a disk that fills is told once, by the day that it will be full", async () => {
  const one = await kit("plugins/disk-trend.ts");
  const noise = (hour: number) => Math.sin(hour * 2) * 0.02 * gib;
  const fleet = (rate: number) => [
    ...samples("ann", 48, (hour) => (20 - (hour / 24) * rate) * gib + noise(hour)),
    ...samples("bob", 48, (hour) => 50 * gib + noise(hour)),
    // It was nearly full, and somebody cleaned up.
    ...samples("cat", 48, (hour) => (hour < 30 ? 10 - hour * 0.3 : 80 - (hour - 30) * 0.01) * gib),
    ...samples("dan", 3, () => gib),
  ];
  expect(await one.poll({ hosts: fleet(1) })).toEqual([]);
  const told = await one.poll({ hosts: fleet(3) });
  expect(told).toMatchObject([
    {
      kind: "disk.filling",
      subject: "ann",
      title: "The disk of ann will be full in 5 days",
      data: { growth_mb: 3222 },
    },
  ]);
  expect(one.page?.blocks[0]).toMatchObject({
    table: {
      rows: [["ann", "15.2 GB of 107.4 GB", "+3222 MB", "in 5 days"], ["cat"], ["bob"]].map((row) =>
        expect.arrayContaining(row),
      ),
    },
  });
  expect(await one.poll({ hosts: fleet(3) })).toEqual([]);
  // Nine days are beyond the week, and not far enough beyond it.
  expect(await one.poll({ hosts: fleet(1.8) })).toEqual([]);
  expect((await one.poll({ hosts: fleet(0.5) })).map(({ kind }) => kind)).toEqual(["disk.steady"]);
  expect(await one.poll({ settings: { warn: "30d" }, hosts: fleet(1) })).toMatchObject([{ kind: "disk.filling" }]);
});
