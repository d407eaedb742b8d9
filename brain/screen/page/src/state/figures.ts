/** Counts over the board, worked out once a flush for whoever shows them. */

import { DOMAINS, type Domain, type Row } from "../api/types";
import { LEVELS, inHand, levelOf } from "../map/shapes";
import { board } from "./app";
import { boardNow } from "./clock";
import { Value } from "./value";

export interface Figures {
  open: number;
  /** Never-hidden class. */
  life: number;
  /** Nobody has it in hand. */
  waiting: number;
  overdue: number;
  byLevel: number[];
  byDomain: Record<Domain, { open: number; byLevel: number[] }>;
  districts: string[];
}

export function count(rows: Iterable<Row>, now: number): Figures {
  const zeros = (): number[] => new Array<number>(LEVELS).fill(0);
  const byDomain = Object.fromEntries(DOMAINS.map((d) => [d, { open: 0, byLevel: zeros() }])) as Figures["byDomain"];
  const out: Figures = { open: 0, life: 0, waiting: 0, overdue: 0, byLevel: zeros(), byDomain, districts: [] };
  const districts = new Set<string>();
  for (const row of rows) {
    const level = levelOf(row);
    out.open++;
    out.byLevel[level]!++;
    if (row.life) out.life++;
    if (!inHand(row)) out.waiting++;
    if (row.due != null && row.due < now) out.overdue++;
    const domain = byDomain[row.domain];
    if (domain) {
      domain.open++;
      domain.byLevel[level]!++;
    }
    if (row.district) districts.add(row.district);
  }
  out.districts = [...districts].sort();
  return out;
}

export const figures = new Value<Figures>(count([], 0));

board.watch(() => figures.set(count(board.rows.values(), boardNow())));
