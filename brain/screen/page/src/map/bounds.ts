/** Where most incidents lie. */

import type { Row } from "../api/types";

/** Of a hundred places one at each edge counts for nothing: a single wrong position must not show the whole country. */
const AWAY = 0.01;
const LEAST_DEGREES = 0.02;

/** West, south, east, north; null where no row has a place. */
export function boundsOf(rows: Iterable<Row>): [number, number, number, number] | null {
  const lons: number[] = [];
  const lats: number[] = [];
  for (const row of rows) {
    if (row.lon == null || row.lat == null) continue;
    lons.push(row.lon);
    lats.push(row.lat);
  }
  if (!lons.length) return null;
  const [west, east] = within(lons);
  const [south, north] = within(lats);
  return [west, south, east, north];
}

function within(values: number[]): [number, number] {
  values.sort((a, b) => a - b);
  const cut = Math.floor(values.length * AWAY);
  const low = values[cut]!;
  const high = values[values.length - 1 - cut]!;
  const more = Math.max(0, LEAST_DEGREES - (high - low)) / 2;
  return [low - more, high + more];
}
