/** What is drawn of an area beside its ground: its name at one place, however many parts it has, and its border. */

import type { Feature, FeatureCollection, Polygon, Position } from "geojson";

/** Points with the properties of their areas; what is not an area is left out. */
export function namePoints(areas: FeatureCollection): FeatureCollection {
  const features: Feature[] = [];
  for (const area of areas.features) {
    const largest = partsOf(area).reduce<Polygon["coordinates"] | null>(
      (best, part) => (best && size(best[0]!) >= size(part[0]!) ? best : part),
      null,
    );
    if (!largest) continue;
    features.push({
      type: "Feature",
      properties: area.properties,
      geometry: { type: "Point", coordinates: inside(largest) },
    });
  }
  return { type: "FeatureCollection", features };
}

/** Borders of areas as lines: cut at a tile's edge a line just ends, while an area's outline would follow the edge. */
export function edges(areas: FeatureCollection): FeatureCollection {
  const features: Feature[] = [];
  for (const area of areas.features) {
    const rings = partsOf(area).flat();
    if (rings.length) features.push({ type: "Feature", properties: area.properties, geometry: { type: "MultiLineString", coordinates: rings } });
  }
  return { type: "FeatureCollection", features };
}

function partsOf({ geometry }: Feature): Polygon["coordinates"][] {
  if (geometry?.type === "Polygon") return [geometry.coordinates];
  return geometry?.type === "MultiPolygon" ? geometry.coordinates : [];
}

function cross(ring: Position[], each: (area: number, a: Position, b: Position) => void): void {
  for (let i = 0; i + 1 < ring.length; i++) {
    const a = ring[i]!;
    const b = ring[i + 1]!;
    each(a[0]! * b[1]! - b[0]! * a[1]!, a, b);
  }
}

/** Of a ring, in square degrees: only to compare. */
function size(ring: Position[]): number {
  let sum = 0;
  cross(ring, (area) => (sum += area));
  return Math.abs(sum) / 2;
}

/** A place within: the middle of the widest stretch at the height of the centre of mass. */
function inside(rings: Position[][]): Position {
  const outer = rings[0]!;
  const [ox, oy] = outer[0] as [number, number];
  let sum = 0;
  let y = 0;
  let x = 0;
  const near = outer.map(([px, py]) => [px! - ox, py! - oy]);
  cross(near, (area, a, b) => {
    sum += area;
    x += area * (a[0]! + b[0]!);
    y += area * (a[1]! + b[1]!);
  });
  if (!sum) return [ox, oy];
  const height = y / (3 * sum) + oy;
  const cuts: number[] = [];
  for (const ring of rings)
    for (let i = 0; i + 1 < ring.length; i++) {
      const [ax, ay] = ring[i] as [number, number];
      const [bx, by] = ring[i + 1] as [number, number];
      if (ay > height !== by > height) cuts.push(ax + ((height - ay) / (by - ay)) * (bx - ax));
    }
  cuts.sort((a, b) => a - b);
  let widest = -1;
  let middle = x / (3 * sum) + ox;
  for (let i = 0; i + 1 < cuts.length; i += 2) {
    const width = cuts[i + 1]! - cuts[i]!;
    if (width > widest) {
      widest = width;
      middle = (cuts[i]! + cuts[i + 1]!) / 2;
    }
  }
  return [middle, height];
}
