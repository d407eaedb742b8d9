/** What belongs to it or is like it, each one click away: merged, caused, linked, and past ones at the same place. */

import type { VNode } from "preact";
import type { Detail } from "../api/detail";
import type { Row } from "../api/types";
import { levelOf, inHand } from "../map/shapes";
import { selected } from "../state/app";
import { clockDate, clockShort } from "../state/clock";
import { placeOf } from "../state/places";
import { Mark } from "../ui/mark";
import { language, say, t, tOf, type Word } from "../words";
import { Part } from "./part";

type Siblings = NonNullable<Detail["siblings"]>;

export function Around({ siblings, similar }: { siblings: Siblings; similar: Row[] | null }): VNode | null {
  const groups: [Word, Row[]][] = [
    ["around.cause", siblings.cause ? [siblings.cause] : []],
    ["around.effects", siblings.effects ?? []],
    ["around.merged", siblings.merged_from ?? []],
    ["around.links", siblings.links ?? []],
    ["around.similar", similar ?? []],
  ];
  const some = groups.filter(([, rows]) => rows.length);
  if (!some.length) return null;
  return (
    <Part title={t("around.title")}>
      {some.map(([word, rows]) => (
        <section key={word}>
          <h4>{t(word)}</h4>
          <Lines rows={rows} />
        </section>
      ))}
    </Part>
  );
}

/** Incidents as lines that open them. ``beside`` is said at the end of each. */
export function Lines({ rows, beside }: { rows: Row[]; beside?: (row: Row) => string }): VNode {
  return (
    <ul class="lines-short">
      {rows.map((row) => (
        <li key={row.id}>
          <button type="button" onClick={() => selected.set(row.id)}>
            <Mark domain={row.domain} level={levelOf(row)} hollow={inHand(row)} life={Boolean(row.life)} />
            <span class="name">{say(row.name, row.scenario)}</span>
            <span class="place">{placeOf(row)}</span>
            <span class="state">{row.withheld ? t("panel.withheld") : tOf("state", row.state)}</span>
            <time>{`${clockDate(row.onset, language.get()).split(" ")[0]} ${clockShort(row.onset)}`}</time>
            {beside && <span class="beside">{beside(row)}</span>}
          </button>
        </li>
      ))}
    </ul>
  );
}
