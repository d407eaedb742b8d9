/** Where, since when, who: as terms and values. */

import type { VNode } from "preact";
import type { Incident } from "../api/detail";
import type { Text } from "../api/types";
import { clockTime } from "../state/clock";
import { placeName } from "../state/places";
import { say, t } from "../words";
import { Part } from "./part";

export function Facts({ incident: i, units }: { incident: Incident; units: Record<string, Text> }): VNode {
  const areas = Object.values(i.areas ?? {}).flat().map(placeName);
  const rows: [string, string | undefined][] = [
    [t("facts.onset"), clockTime(i.onset)],
    [t("facts.cleared"), i.cleared == null ? undefined : clockTime(i.cleared)],
    [t("facts.place"), [placeName(i.district), placeName(i.town), placeName(i.grid)].filter(Boolean).join(" / ")],
    [
      t("facts.position"),
      i.lon == null || i.lat == null
        ? undefined
        : `${i.lon.toFixed(5)}, ${i.lat.toFixed(5)} WGS 84${i.accuracy_m == null ? "" : ` ± ${Math.round(i.accuracy_m)} m`}`,
    ],
    [t("facts.areas"), areas.join("、") || undefined],
    [t("facts.lead"), say(i.lead_name, i.lead) || undefined],
    [t("facts.assisting"), i.assisting?.map((name) => say(units[name], name)).join("、") || undefined],
    [t("facts.taken"), i.taken_by || undefined],
    [t("facts.code"), i.event_code || undefined],
  ];
  return (
    <Part title={t("facts.title")}>
      <dl class="facts">
        {rows.map(([term, value]) =>
          value ? (
            <div key={term}>
              <dt>{term}</dt>
              <dd>{value}</dd>
            </div>
          ) : null,
        )}
      </dl>
    </Part>
  );
}
