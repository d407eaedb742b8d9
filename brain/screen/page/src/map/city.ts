/** The map itself: opened once, fed by the board, asked what lies under the pointer. A chunk of its own. */

import { Map as GlMap, setWorkerCount, setWorkerUrl } from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import type { Feature, FeatureCollection } from "geojson";
import type { Row } from "../api/types";
import { measure } from "../state/measure";
import { EMPTY, GROUPS, LAYER, NAMED, SOURCE, blindFilter, hatch, names, type Group } from "./basemap";
import { edges, namePoints } from "./names";
import { Points, mercator } from "./points";
import { drawnInSoftware, withoutMasks, withoutSky } from "./software";

setWorkerUrl(workerUrl);
setWorkerCount(1);

/** Pixels around the pointer in which a mark is meant. */
const REACH = 12;

export interface Hit {
  id: string;
  x: number;
  y: number;
}

export interface Listen {
  /** A mark was chosen, or the empty map (null). */
  pick(id: string | null): void;
  hover(hit: Hit | null): void;
}

type Place = [number, number];

/** Pixels at the rim of the map in which a mark is not well seen. */
const EDGE = 48;

export class City {
  readonly map: GlMap;
  readonly points: Points;
  private readonly present = new Set<string>();
  private readonly dressed = new Set<() => void>();
  private readonly ready: Promise<void>;

  /** ``around``: west, south, east, north of what is first in sight; ``scale``: of marks and names. */
  constructor(
    container: HTMLElement,
    around: [number, number, number, number],
    listen: Listen,
    label: string,
    private readonly scale: number,
  ) {
    this.map = new GlMap({
      container,
      style: EMPTY,
      bounds: around,
      fitBoundsOptions: { padding: 40, maxZoom: 14 },
      attributionControl: false,
      fadeDuration: 0,
      maxPitch: 0,
      minZoom: 6,
      maxZoom: 18,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      renderWorldCopies: false,
      trackResize: true,
      pixelRatio: Math.min(devicePixelRatio, 2),
      localIdeographFontFamily: "'Noto Sans CJK SC','Noto Sans SC','Microsoft YaHei','PingFang SC',sans-serif",
      canvasContextAttributes: { antialias: false, powerPreference: "high-performance" },
      validateStyle: false,
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.keyboard.disableRotation();
    this.map.getCanvas().setAttribute("aria-label", label);
    const [west, south] = mercator(around[0], around[1]);
    const [east, north] = mercator(around[2], around[3]);
    this.points = new Points([(west + east) / 2, (north + south) / 2], (east - west) * (south - north), scale);
    this.ready = new Promise((resolve) => {
      this.map.once("style.load", () => {
        withoutSky(this.map);
        this.map.addLayer(this.points);
        resolve();
      });
    });
    const gl = this.map.getCanvas().getContext("webgl2");
    if (gl && drawnInSoftware(gl)) {
      measure.software = true;
      withoutMasks(gl);
    }
    measure.map = this.map;
    this.map.on("render", () => measure.frame());
    this.map.on("click", (e) => {
      listen.pick(this.points.near(e.lngLat.lng, e.lngLat.lat, REACH));
    });
    this.map.on("mousemove", (e) => {
      const id = this.points.near(e.lngLat.lng, e.lngLat.lat, REACH);
      this.map.getCanvas().style.cursor = id ? "pointer" : "";
      listen.hover(id ? { id, x: e.point.x, y: e.point.y } : null);
    });
    this.map.on("mouseout", () => listen.hover(null));
  }

  /** Rows that changed, ids that left; ``whole``: nothing else is there. */
  show(rows: readonly Row[], gone: readonly string[], whole: boolean): void {
    if (whole) this.points.clear();
    for (const id of gone) this.points.drop(id);
    for (const row of rows) this.points.put(row);
    this.points.repaint();
  }

  /** Draws the layers that the server has. What comes back are names of areas by their codes. Raises Error. */
  async dress(): Promise<[string, string][]> {
    await this.ready;
    const answer = await fetch("/ogc/collections?f=json");
    if (!answer.ok) throw new Error(`map: /ogc/collections answered ${answer.status}`);
    const { collections } = (await answer.json()) as { collections: { id: string }[] };
    const there = new Set(collections.map((c) => c.id));
    const wanted = [...new Set(GROUPS.flatMap((g) => g.sources))].filter((s) => there.has(s));
    const loaded = await Promise.all(wanted.map(async (name) => [name, await features(name)] as const));
    this.map.addImage("hatch", hatch(this.map.getPixelRatio()), { pixelRatio: this.map.getPixelRatio() });
    const all: Feature[] = [];
    for (const [name, data] of loaded) {
      this.present.add(name);
      all.push(...marked(data, name));
      all.push(...marked(edges(data), `${name}-edges`));
      if (NAMED.includes(name)) all.push(...marked(namePoints(data), `${name}-names`));
    }
    this.map.addSource(SOURCE, {
      type: "geojson",
      data: { type: "FeatureCollection", features: all },
      maxzoom: 14,
      tolerance: 0.8,
      buffer: 16,
    });
    for (const group of GROUPS) {
      if (!this.has(group)) continue;
      for (const layer of group.layers) this.map.addLayer(layer, this.points.id);
    }
    for (const { layer } of names(this.scale)) this.map.addLayer(layer, this.points.id);
    for (const group of GROUPS) if (!group.on) this.toggle(group.id, false);
    for (const told of this.dressed) told();
    return loaded.flatMap(([, data]) => data.features.flatMap(named));
  }

  /** Called once the layers are there; what comes back ends it. */
  onDressed(told: () => void): () => void {
    this.dressed.add(told);
    return () => this.dressed.delete(told);
  }

  /** Groups of which the map has something. */
  groups(): Group["id"][] {
    return GROUPS.filter((g) => this.has(g)).map((g) => g.id);
  }

  toggle(id: Group["id"], on: boolean): void {
    const ids = [
      ...GROUPS.filter((g) => g.id === id).flatMap((g) => g.layers.map((l) => l.id)),
      ...names(this.scale).filter((l) => l.group === id).map((l) => l.layer.id),
    ];
    for (const name of ids)
      if (this.map.getLayer(name)) this.map.setLayoutProperty(name, "visibility", on ? "visible" : "none");
  }

  /** Grids without a live sensor. */
  blind(codes: readonly string[]): void {
    if (this.map.getLayer("blind-fill"))
      this.map.setFilter("blind-fill", blindFilter(codes));
  }

  /** Where a place is on the screen, in CSS pixels of the map. */
  project(place: Place): { x: number; y: number } {
    return this.map.project(place);
  }

  fly(place: Place, zoom?: number): void {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.map.easeTo({ center: place, zoom: zoom ?? Math.max(this.map.getZoom(), 13.5), duration: still ? 0 : 600 });
  }

  /** Moves only as far as it takes to have a place in sight, left of what covers ``covered`` pixels at the right. */
  bring(place: Place, covered: number): void {
    const { x, y } = this.project(place);
    const { clientWidth, clientHeight } = this.map.getContainer();
    if (x > EDGE && y > EDGE && x < clientWidth - covered - EDGE && y < clientHeight - EDGE) return;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.map.easeTo({ center: place, offset: [-covered / 2, 0], duration: still ? 0 : 400 });
  }

  live(on: boolean): void {
    if (this.points.live === on) return;
    this.points.live = on;
    this.points.repaint();
  }

  close(): void {
    this.map.remove();
  }

  private has(group: Group): boolean {
    return group.sources.some((name) => this.present.has(name));
  }
}

function marked(data: FeatureCollection, layer: string): Feature[] {
  return data.features.map((f) => ({ ...f, properties: { ...f.properties, [LAYER]: layer } }));
}

function named(feature: Feature): [string, string][] {
  const { code, name } = feature.properties ?? {};
  return typeof code === "string" && typeof name === "string" && name ? [[code, name]] : [];
}

async function features(name: string): Promise<FeatureCollection> {
  const now = encodeURIComponent(new Date().toISOString());
  const answer = await fetch(`/ogc/collections/${encodeURIComponent(name)}/items?limit=10000&f=json&datetime=${now}`);
  if (!answer.ok) throw new Error(`map: layer ${name} answered ${answer.status}`);
  return (await answer.json()) as FeatureCollection;
}

