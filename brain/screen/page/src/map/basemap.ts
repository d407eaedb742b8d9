/** The city under the incidents: a style of our own over the layers that /ogc serves. No glyphs, sprites or tiles. */

import type { FilterSpecification, LayerSpecification, StyleSpecification } from "maplibre-gl";

const SEA = "#060a0f";

/** Before any layer is there: incidents are drawn at once, over the sea, which is the page's own colour. */
export const EMPTY: StyleSpecification = {
  version: 8,
  sources: {},
  layers: [],
};

/** The one source of all layers: each more would cost another pass of masks over the whole screen. */
export const SOURCE = "city";
/** Which layer of the map's file a feature is of; `<layer>-names` are places of names, `-edges` borders. */
export const LAYER = "layer";

type Filter = ["==", ["get", string], string];
const of = (layer: string): { source: string; filter: Filter } => ({
  source: SOURCE,
  filter: ["==", ["get", LAYER], layer],
});

const FONT = ["sans-serif"];

/** What is switched together, lowest first; ``sources`` are layers of the map's file. */
export interface Group {
  id: "district" | "town" | "grid" | "zone" | "risk" | "water" | "road" | "site" | "blind";
  sources: string[];
  on: boolean;
  layers: LayerSpecification[];
}

const line = (id: string, source: string, color: string, width: unknown, more: object = {}): LayerSpecification =>
  ({
    id,
    type: "line",
    ...of(source),
    paint: { "line-color": color, "line-width": width, ...more },
  }) as LayerSpecification;

const fill = (id: string, source: string, color: string, more: object = {}): LayerSpecification =>
  ({ id, type: "fill", ...of(source), paint: { "fill-color": color, "fill-antialias": false, ...more } }) as LayerSpecification;

const label = (id: string, source: string, layout: object, paint: object, more: object = {}): LayerSpecification =>
  ({
    id,
    type: "symbol",
    ...of(source),
    layout: { "text-field": ["coalesce", ["get", "name"], ""], "text-font": FONT, "text-max-width": 8, ...layout },
    paint: { "text-halo-color": "rgba(6,10,15,.85)", "text-halo-width": 1.25, ...paint },
    ...more,
  }) as LayerSpecification;

const byZoom = (...stops: number[]): unknown => ["interpolate", ["linear"], ["zoom"], ...stops];

/** In drawing order. Areas are filled once only: in software each fill of the screen costs a frame's milliseconds. */
export const GROUPS: Group[] = [
  {
    id: "district",
    sources: ["district"],
    on: true,
    layers: [
      fill("district-fill", "district", "#0d1721"),
      line("district-line", "district-edges", "#46667f", byZoom(9, 1.2, 14, 2.4)),
    ],
  },
  {
    id: "risk",
    sources: ["risk"],
    on: true,
    layers: [
      fill("risk-fill", "risk", "#d9822b", { "fill-opacity": 0.12 }),
      line("risk-line", "risk-edges", "#a8672a", 1, { "line-dasharray": [4, 2] }),
    ],
  },
  {
    id: "water",
    sources: ["river", "reservoir"],
    on: true,
    layers: [
      line("river-line", "river", "#1c4a68", [
        "interpolate",
        ["exponential", 1.4],
        ["zoom"],
        9,
        ["*", 0.5, ["coalesce", ["get", "order"], 1]],
        15,
        ["*", 3, ["coalesce", ["get", "order"], 1]],
      ]),
      fill("reservoir-fill", "reservoir", "#153b54"),
    ],
  },
  {
    id: "road",
    sources: ["road"],
    on: true,
    layers: [line("road-line", "road", "#26323e", byZoom(10, 0.6, 16, 5))],
  },
  {
    id: "grid",
    sources: ["grid"],
    on: true,
    layers: [line("grid-line", "grid-edges", "#1d2d3c", byZoom(10, 0.5, 14, 1))],
  },
  {
    id: "town",
    sources: ["town"],
    on: true,
    layers: [line("town-line", "town-edges", "#31475b", byZoom(9, 0.8, 14, 1.5))],
  },
  {
    id: "zone",
    sources: ["zone"],
    on: false,
    layers: [line("zone-line", "zone-edges", "#5b6fa8", 1.25, { "line-dasharray": [3, 2] })],
  },
  {
    id: "blind",
    sources: ["grid"],
    on: true,
    layers: [
      {
        id: "blind-fill",
        type: "fill",
        source: SOURCE,
        filter: blindFilter([]),
        paint: { "fill-pattern": "hatch" },
      },
    ],
  },
  {
    id: "site",
    sources: ["site"],
    on: true,
    layers: [
      {
        id: "site-mark",
        type: "circle",
        ...of("site"),
        minzoom: 12,
        paint: { "circle-radius": 2.5, "circle-color": "#60788d", "circle-stroke-color": SEA, "circle-stroke-width": 1 },
      },
    ],
  },
];

/** Areas whose names stand at one place each: `<source>-names` has those. */
export const NAMED = ["district", "town", "grid"];

/** Names, over all areas; they belong to the group of their source and are switched with it. ``scale``: of the letters. */
export const names = (scale: number): { group: Group["id"]; layer: LayerSpecification }[] => [
  {
    group: "water",
    layer: label(
      "river-name",
      "river",
      { "symbol-placement": "line", "text-size": 11 * scale, "symbol-spacing": 500 },
      { "text-color": "#4d84a6" },
      { minzoom: 12.5 },
    ),
  },
  {
    group: "site",
    layer: label(
      "site-name",
      "site",
      { "text-size": 11 * scale, "text-anchor": "top", "text-offset": [0, 0.5] },
      { "text-color": "#8298ab" },
      { minzoom: 13.5 },
    ),
  },
  {
    group: "grid",
    layer: label("grid-name", "grid-names", { "text-size": 10.5 * scale }, { "text-color": "#4e6273" }, { minzoom: 14.5 }),
  },
  {
    group: "town",
    layer: label(
      "town-name",
      "town-names",
      { "text-size": byZoom(10, 11 * scale, 14, 14 * scale) },
      { "text-color": "#8fa5b8" },
      { minzoom: 10.2, maxzoom: 15 },
    ),
  },
  {
    group: "district",
    layer: label(
      "district-name",
      "district-names",
      { "text-size": byZoom(8, 13 * scale, 12, 20 * scale), "text-letter-spacing": 0.18 },
      { "text-color": "#c4d3e0" },
      { maxzoom: 13 },
    ),
  },
];

/** Grids of these codes. */
export function blindFilter(codes: readonly string[]): FilterSpecification {
  return ["all", ["==", ["get", LAYER], "grid"], ["in", ["get", "code"], ["literal", [...codes]]]];
}

/** Diagonal lines for grids that nothing looks at. */
export function hatch(ratio: number): { width: number; height: number; data: Uint8ClampedArray } {
  const side = 8 * ratio;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  const ink = canvas.getContext("2d")!;
  ink.strokeStyle = "rgba(176,132,220,.38)";
  ink.lineWidth = ratio;
  for (const from of [-side, 0, side]) {
    ink.beginPath();
    ink.moveTo(from, side);
    ink.lineTo(from + side, 0);
    ink.stroke();
  }
  return ink.getImageData(0, 0, side, side);
}
