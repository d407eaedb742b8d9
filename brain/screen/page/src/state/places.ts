/** Names of areas by their codes, as the map's layers have them; a code stands for itself until they are there. */

import type { Row } from "../api/types";
import { Value } from "./value";

export const places = new Value<ReadonlyMap<string, string>>(new Map());

export const placeName = (code: string | undefined): string => (code ? (places.get().get(code) ?? code) : "");

/** Where a row is, from the wider to the nearer area, as far as it is known; the grid alone where it has no town. */
export function placeOf(row: Row): string {
  const town = placeName(row.town);
  const grid = placeName(row.grid);
  // A grid's own name often begins with its community's; both codes unnamed say the same twice.
  if (!town || town === row.town) return grid || placeName(row.district);
  return grid && grid !== row.grid ? `${town} · ${grid}` : town;
}

export function learn(names: Iterable<readonly [string, string]>): void {
  places.set(new Map([...places.get(), ...names]));
}
