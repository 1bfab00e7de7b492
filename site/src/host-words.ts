// A host's samples in words and as a table: one line a day, the fullest moment of each.

import { localDay } from "../../src/core/due.ts";
import type { Exported } from "../../src/core/exported.ts";

type History = Exported<"history">;

const gib = (bytes: number) => `${Math.round(bytes / 2 ** 30).toLocaleString("en")} GiB`;

/** `74 of 200 GiB free` */
export const roomy = ({ last }: History) =>
  last.disk_total === 0 ? "disk unknown" : `${gib(last.disk_free).replace(" GiB", "")} of ${gib(last.disk_total)} free`;

export function table(history: History, zone: string) {
  const days = Map.groupBy(history.points, (point) => localDay(zone, new Date(point.at)).day);
  const most = (list: History["points"], what: "load" | "memory" | "disk") =>
    `${Math.max(...list.map((point) => point[what]))} %`;
  return {
    columns: ["Day", "Load, at most", "Memory", "Disk"],
    rows: [...days]
      .toReversed()
      .map(([day, list]) => [day, most(list, "load"), most(list, "memory"), most(list, "disk")]),
  };
}
