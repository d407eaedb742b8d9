/** The map in the page: it follows the board, the filter and what is chosen. */

import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { getIfThere } from "../api/client";
import type { Row, Summary } from "../api/types";
import { passing } from "../list/filter";
import { board, filter, focus, late, lostSince, me, mode, selected } from "../state/app";
import { learn, placeOf } from "../state/places";
import { say, t, useLanguage } from "../words";
import { useValue } from "../state/value";
import { boundsOf } from "./bounds";
import type { City, Hit } from "./city";
import { Legend } from "./legend";

/** How often blind spots are asked for: they follow from minutes of silence. */
const BLIND_EVERY_MS = 60_000;
/** Width of the panel, which lies over the map; as in base.css. */
const PANEL_REM = 34;

const opening = import("./city");

export interface Props {
  /** Larger marks and names, for who stands far away. */
  scale?: number;
  bare?: boolean;
}

export function MapView({ scale = 1, bare = false }: Props): VNode {
  useLanguage();
  const box = useRef<HTMLDivElement>(null);
  const [city, setCity] = useState<City | null>(null);
  const [hit, setHit] = useState<Hit | null>(null);
  const [wrong, setWrong] = useState("");
  const stale = useValue(lostSince) !== null;
  const behind = useValue(late);

  useEffect(() => {
    let made: City | null = null;
    let gone = false;
    void open(box.current!, scale, setHit).then(
      (opened) => {
        made = opened;
        if (gone) opened.close();
        else setCity(opened);
      },
      (error: unknown) => setWrong(String(error instanceof Error ? error.message : error)),
    );
    return () => {
      gone = true;
      made?.close();
    };
  }, []);

  useEffect(() => (city ? follow(city) : undefined), [city]);
  useEffect(() => city?.live(!stale && !behind), [city, stale, behind]);

  const row = hit ? board.rows.get(hit.id) : undefined;
  return (
    <section class="map" aria-label={t("map.title")}>
      <div ref={box} class="canvas" />
      {wrong && (
        <p role="alert" class="wrong">
          {t("map.wrong", { why: wrong })}
        </p>
      )}
      {hit && row && <Tip row={row} hit={hit} />}
      {city && <Chosen city={city} />}
      {city && !bare && <Legend city={city} />}
    </section>
  );
}

async function open(box: HTMLElement, scale: number, hover: (hit: Hit | null) => void): Promise<City> {
  const [{ City }] = await Promise.all([opening, loaded()]);
  const around = boundsOf(board.rows.values()) ?? (await extent());
  return new City(box, around, { pick: (id) => selected.set(id), hover }, t("map.label"), scale);
}

/** The first board: where its incidents lie is where the map opens. */
function loaded(): Promise<void> {
  if (board.isLoaded) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = board.watch(() => {
      stop();
      resolve();
    });
  });
}

/** Of the whole map, where no incident says where to look. */
async function extent(): Promise<[number, number, number, number]> {
  const answer = await fetch("/ogc/collections?f=json");
  const { collections } = (await answer.json()) as {
    collections: { extent?: { spatial?: { bbox?: [number, number, number, number][] } } }[];
  };
  const boxes = collections.map((c) => c.extent?.spatial?.bbox?.[0]).filter((b) => b !== undefined);
  if (!boxes.length) return [73, 18, 135, 54];
  return [
    Math.min(...boxes.map((b) => b[0])),
    Math.min(...boxes.map((b) => b[1])),
    Math.max(...boxes.map((b) => b[2])),
    Math.max(...boxes.map((b) => b[3])),
  ];
}

/** From now on the map shows what the board has, as far as the filter lets it. What comes back ends it. */
function follow(city: City): () => void {
  let passes = passing(filter.get(), me.get());
  const all = (): void => {
    passes = passing(filter.get(), me.get());
    city.show([...board.rows.values()].filter(passes), [], true);
  };
  all();
  city.map.once("render", () => performance.mark("brain:first-paint"));
  const rows = board.watch((change) => {
    const seen: Row[] = [];
    const gone = [...change.gone];
    for (const row of change.rows) passes(row) ? seen.push(row) : gone.push(row.id);
    city.show(seen, gone, change.whole);
  });
  const look = (place: ReturnType<typeof focus.get>): void => {
    if (place) city.fly([place.lon, place.lat], place.zoom);
  };
  look(focus.get());
  const looks = focus.watch(look);
  const filters = filter.watch(all);
  const choices = selected.watch((id) => {
    const row = id ? board.rows.get(id) : undefined;
    if (row?.lon == null || row.lat == null) return;
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    city.bring([row.lon, row.lat], mode === "desk" ? PANEL_REM * rem : 0);
  });
  let ended = false;
  const blind = async (): Promise<void> => {
    const summary = await getIfThere<Summary>("/assets/summary").catch(() => null);
    if (ended) return;
    city.blind((summary?.blind ?? []).map((b) => b.grid));
  };
  let timer: ReturnType<typeof setInterval> | undefined;
  // The map's own layers wait until the incidents are in sight.
  city.map.once("idle", () => {
    city.dress().then(
      (names) => {
        learn(names);
        if (ended) return;
        void blind();
        timer = setInterval(() => void blind(), BLIND_EVERY_MS);
      },
      (error: unknown) => console.error("map:", error),
    );
  });
  return () => {
    ended = true;
    rows();
    looks();
    filters();
    choices();
    clearInterval(timer);
  };
}

/** Beside the pointer: what it is. */
function Tip({ row, hit }: { row: Row; hit: Hit }): VNode {
  return (
    <div class="tip" style={{ left: `${hit.x + 16}px`, top: `${hit.y + 12}px` }} aria-hidden="true">
      <b>{say(row.name, row.scenario)}</b>
      <span>{[placeOf(row), say(row.lead_name, row.lead)].filter(Boolean).join(" · ")}</span>
    </div>
  );
}

/** A frame around the chosen mark, which goes with it when the map moves. */
function Chosen({ city }: { city: City }): VNode | null {
  const id = useValue(selected);
  const frame = useRef<HTMLDivElement>(null);
  const row = id ? board.rows.get(id) : undefined;
  const placed = row?.lon != null && row.lat != null;
  useEffect(() => {
    if (!placed) return;
    const move = (): void => {
      const now = board.rows.get(id!);
      if (now?.lon == null || now.lat == null || !frame.current) return;
      const { x, y } = city.project([now.lon, now.lat]);
      frame.current.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
    };
    move();
    city.map.on("render", move);
    return () => void city.map.off("render", move);
  }, [id, placed, city]);
  return placed ? <div ref={frame} class="chosen" aria-hidden="true" /> : null;
}
