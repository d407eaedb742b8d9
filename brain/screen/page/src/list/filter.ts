/** Which rows the list and the map show. */

import type { Me, Row } from "../api/types";
import { levelOf } from "../map/shapes";
import type { Filter } from "../state/app";
import { placeOf } from "../state/places";

/** A filter as a function. Text is found in names of both languages, places, units and ids, whatever the case. */
export function passing(filter: Filter, me: Me | null): (row: Row) => boolean {
  const words = filter.text.trim().toLowerCase().split(/\s+/).filter(Boolean);
  return (row) => {
    if (filter.domain && row.domain !== filter.domain) return false;
    if (filter.level && levelOf(row) < filter.level) return false;
    if (filter.district && row.district !== filter.district) return false;
    if (filter.mine && !isMine(row, me)) return false;
    if (!words.length) return true;
    const text = [row.name.zh, row.name.en, placeOf(row), row.lead_name?.zh, row.lead_name?.en, row.grid, row.id]
      .join(" ")
      .toLowerCase();
    return words.every((word) => text.includes(word));
  };
}

/** The caller's unit leads it, or has it in hand. */
export function isMine(row: Row, me: Me | null): boolean {
  if (!me?.unit) return row.taken_by === me?.id && Boolean(me);
  return row.lead === me.unit || row.taken_by === me.unit || row.lead_name?.zh === me.unit || row.taken_by === me.id;
}
