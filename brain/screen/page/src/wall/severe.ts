/** What a wall shows of many: the first few by the list's order, found in one pass. */

import type { Row } from "../api/types";
import { levelOf } from "../map/shapes";

const FROM_LEVEL = 3;

/** The first ``most`` of those of level 3 and above or of a never-hidden class. */
export function severest(rows: Iterable<Row>, most: number, compare: (a: Row, b: Row) => number): Row[] {
  const best: Row[] = [];
  for (const row of rows) {
    if (!row.life && levelOf(row) < FROM_LEVEL) continue;
    const last = best[best.length - 1];
    if (best.length === most && last && compare(row, last) >= 0) continue;
    let at = best.length;
    while (at > 0 && compare(row, best[at - 1]!) < 0) at--;
    best.splice(at, 0, row);
    if (best.length > most) best.pop();
  }
  return best;
}
