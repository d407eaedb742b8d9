/** One incident as a line of the list. */

import type { VNode } from "preact";
import type { Row } from "../api/types";
import { inHand, levelOf } from "../map/shapes";
import { boardNow } from "../state/clock";
import { placeOf } from "../state/places";
import { Mark } from "../ui/mark";
import { say, t, tOf } from "../words";
import { limit, span } from "../words/span";

/** Pixels; the list counts on every line being as high. */
export const ROW_HEIGHT = 64;

interface LineProps {
  row: Row;
  top: number;
  position: number;
  total: number;
  active: boolean;
  open: boolean;
  ended: boolean;
  choose: (id: string) => void;
}

export const optionId = (id: string): string => `row-${id}`;

export function Line({ row, top, position, total, active, open, ended, choose }: LineProps): VNode {
  const level = levelOf(row);
  const trust = row.trust ?? 1;
  const now = boardNow();
  const classes = ["line", `level-${level}`];
  if (active) classes.push("active");
  if (open) classes.push("open");
  if (ended) classes.push("ended");
  if (row.life) classes.push("life");
  return (
    <div
      id={optionId(row.id)}
      role="option"
      aria-selected={open}
      aria-posinset={position}
      aria-setsize={total}
      class={classes.join(" ")}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => choose(row.id)}
    >
      <Mark domain={row.domain} level={level} hollow={inHand(row)} life={Boolean(row.life)} />
      <div class="what">
        <div class="name">
          <span class="visually-hidden">{`${tOf("domain", row.domain)}, ${t("level", { n: level })}. `}</span>
          <span class="text">{say(row.name, row.scenario)}</span>
          {row.drill && <b class="tag drill">{t("row.drill")}</b>}
          {row.life && <b class="tag life">{t("row.life")}</b>}
          {row.life && trust < 1 && <b class="tag">{t("evidence.trust", { n: Math.round(trust * 100) })}</b>}
          {ended && <b class="tag">{t("row.ended")}</b>}
        </div>
        <div class="where">
          <span class="place">{placeOf(row) || t("row.nowhere")}</span>
          <span class="lead">{say(row.lead_name, row.lead)}</span>
        </div>
      </div>
      <div class="when">
        <time>{span(now - row.opened)}</time>
        {row.due != null ? <Due due={row.due} now={now} /> : <Sure row={row} />}
      </div>
    </div>
  );
}

function Due({ due, now }: { due: number; now: number }): VNode {
  const [kind, word] = limit(due - now);
  return <span class={kind}>{word}</span>;
}

const SURE = { unconfirmed: 1, corroborated: 2, confirmed: 3 } as const;

function Sure({ row }: { row: Row }): VNode {
  const sure = row.confidence ?? "unconfirmed";
  return (
    <span class="sure" title={t(`confidence.${sure}`)}>
      <i aria-hidden="true">{"●".repeat(SURE[sure]) + "○".repeat(3 - SURE[sure])}</i>
      <span class="visually-hidden">{t(`confidence.${sure}`)}</span>
    </span>
  );
}
