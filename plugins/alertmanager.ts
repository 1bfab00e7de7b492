// Alerts of a Prometheus Alertmanager. It says which alerts are active; which began and which ended follows from that.
import { type Context, Plugin, type Thing } from "towline/plugin";

/** What https://github.com/prometheus/alertmanager answers at /api/v2/alerts. */
interface Alert {
  fingerprint: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  startsAt: string;
  generatorURL?: string;
  status: { state: "active" | "suppressed" | "unprocessed" };
}

export default class extends Plugin {
  static override api = 1;
  override title = "Alerts of a Prometheus Alertmanager";
  override every = "5m";
  override kinds = {
    "alert.firing": "an alert is active; data: alert, severity, instance, summary, since, labels",
    "alert.resolved": "an alert that was active is not any more",
  };
  override gone = { kind: "alert.resolved", title: "{subject} is resolved" };
  override options: Plugin["options"] = {
    url: { says: "the Alertmanager's address, or env:NAME", kind: "address", required: true },
    token: { says: "variable with the token that it wants, if any", kind: "variable" },
    only: { says: "labels that an alert must have, like severity=critical", kind: "list", default: [] },
  };

  override fetch({ options }: Context) {
    const filters = options.only.map((one: string) => `&filter=${encodeURIComponent(one.replace(/=(.*)/, '="$1"'))}`);
    const path = `/api/v2/alerts?active=true&silenced=false&inhibited=false${filters.join("")}`;
    return { alerts: { url: options.url, path, token: options.token } };
  }

  override poll({ fetched }: Context): Thing[] {
    const alerts = JSON.parse(fetched.alerts ?? "") as Alert[];
    const things = new Map<string, Thing>();
    for (const alert of alerts) {
      if (alert.status?.state !== "active") continue;
      const thing = thingOf(alert);
      // Two of one name and place differ in other labels: both are told.
      const twin = things.has(thing.subject);
      things.set(twin ? `${thing.subject} ${alert.fingerprint}` : thing.subject, thing);
      if (twin) thing.subject = `${thing.subject} ${alert.fingerprint}`;
    }
    return [...things.values()];
  }
}

function thingOf({ labels, annotations, startsAt, generatorURL }: Alert): Thing {
  const { alertname = "alert", severity = "none", instance = "" } = labels;
  const summary = annotations.summary ?? annotations.message ?? annotations.description ?? "";
  return {
    subject: [alertname, instance].filter(Boolean).join(" "),
    kind: "alert.firing",
    // One that ended and began again between two polls is news.
    state: startsAt,
    title: [alertname, instance && `on ${instance}`, summary && `: ${summary}`]
      .filter(Boolean)
      .join(" ")
      .replace(" :", ":"),
    url: generatorURL?.startsWith("https://") ? generatorURL : undefined,
    tags: [severity],
    data: {
      ...{ alert: alertname, severity, instance, summary, since: startsAt },
      labels: Object.entries(labels).map(([name, value]) => `${name}=${value}`),
    },
  };
}
