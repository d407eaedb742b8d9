/** The wall: read from five metres, touched by nobody. It shows what stands, and goes round what is newest and severe. */

import type { VNode } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { DOMAINS, type Row } from "../api/types";
import { compare } from "../list/order";
import { MapView } from "../map/view";
import { LEVEL_COLOURS, inHand, levelOf } from "../map/shapes";
import { board, focus, late, lostSince, selected } from "../state/app";
import { boardNow, tick } from "../state/clock";
import { figures } from "../state/figures";
import { placeOf, places } from "../state/places";
import { useValue } from "../state/value";
import { Announcer } from "../ui/announcer";
import { Banner } from "../ui/banner";
import { Clock } from "../ui/header";
import { Mark } from "../ui/mark";
import { say, t, useLanguage } from "../words";
import { span } from "../words/span";
import { severest } from "./severe";

const SHOWN = 5;
const ROUND_MS = 12_000;
const NEAR_ZOOM = 13;
/** Below which a mark is hard to make out from the back of the room. */
const MARK_SCALE = 1.4;

export function Wall(): VNode {
  useLanguage();
  const counts = useValue(figures);
  const stale = useValue(lostSince) !== null;
  const behind = useValue(late);
  const rows = useSevere();
  const at = useRound(rows);
  const scale = useMemo(() => Math.max(1, innerWidth / 1920) * MARK_SCALE, []);
  return (
    <div class={`wall ${stale || behind ? "stale" : ""}`}>
      <header class="top">
        <h1>{t("app.title")}</h1>
        <Clock />
      </header>
      <Banner />
      <aside class="left" aria-label={t("wall.figures")}>
        <dl class="great">
          <div class="open">
            <dt>{t("figure.open")}</dt>
            <dd>{counts.open.toLocaleString("en-US")}</dd>
          </div>
          <div class={counts.life ? "life some" : "life"}>
            <dt>{t("figure.life")}</dt>
            <dd>{counts.life.toLocaleString("en-US")}</dd>
          </div>
          <div class={counts.overdue ? "overdue some" : "overdue"}>
            <dt>{t("figure.overdue")}</dt>
            <dd>{counts.overdue.toLocaleString("en-US")}</dd>
          </div>
        </dl>
        <ul class="bylevel" aria-label={t("filter.level")}>
          {[4, 3, 2, 1].map((level) => (
            <li key={level} style={{ "--level": LEVEL_COLOURS[level] }}>
              <b>{t("level", { n: level })}</b>
              <span>{counts.byLevel[level]!.toLocaleString("en-US")}</span>
            </li>
          ))}
        </ul>
        <table class="domains">
          <caption class="visually-hidden">{t("filter.domain")}</caption>
          <tbody>
            {DOMAINS.map((domain) => {
              const { open, byLevel } = counts.byDomain[domain];
              return (
                <tr key={domain}>
                  <th scope="row">
                    <Mark domain={domain} />
                    {t(`domain.${domain}`)}
                  </th>
                  <td class="bar">
                    <Bar byLevel={byLevel} most={Math.max(1, ...DOMAINS.map((d) => counts.byDomain[d].open))} />
                  </td>
                  <td class="n">{open.toLocaleString("en-US")}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
        <section class="severe" aria-label={t("wall.severe")}>
          <h2>{t("wall.severe")}</h2>
          <ol>
            {rows.map((row) => (
              <li key={row.id} class={`${row.id === at ? "now" : ""} ${row.life ? "life" : ""}`}>
                <Mark domain={row.domain} level={levelOf(row)} hollow={inHand(row)} life={Boolean(row.life)} />
                <div>
                  <b>{say(row.name, row.scenario)}</b>
                  <span>{placeOf(row)}</span>
                </div>
                <time>{span(boardNow() - row.opened)}</time>
              </li>
            ))}
          </ol>
          {!rows.length && <p class="none">{t("wall.calm")}</p>}
        </section>
      </aside>
      <main aria-label={t("map.title")}>
        <MapView scale={scale} bare />
        {at && <Card id={at} />}
      </main>
      <Announcer />
    </div>
  );
}

function Bar({ byLevel, most }: { byLevel: number[]; most: number }): VNode {
  return (
    <span class="stack" aria-hidden="true">
      {[4, 3, 2, 1, 0].map((level) => (
        <i key={level} style={{ width: `${(100 * byLevel[level]!) / most}%`, background: LEVEL_COLOURS[level] }} />
      ))}
    </span>
  );
}

function Card({ id }: { id: string }): VNode | null {
  const row = board.rows.get(id);
  if (!row) return null;
  return (
    <article class="card" style={{ "--level": LEVEL_COLOURS[levelOf(row)] }}>
      <h2>
        <Mark domain={row.domain} level={levelOf(row)} hollow={inHand(row)} life={Boolean(row.life)} />
        {say(row.name, row.scenario)}
      </h2>
      <p>{placeOf(row)}</p>
      <p class="lead">{[say(row.lead_name, row.lead), span(boardNow() - row.opened)].filter(Boolean).join(" · ")}</p>
    </article>
  );
}

/** The newest severe, drawn anew with the board and as time goes by. */
function useSevere(): Row[] {
  useValue(tick);
  useValue(places);
  const [rows, setRows] = useState<Row[]>([]);
  useEffect(() => {
    const see = (): void => setRows(severest(board.rows.values(), SHOWN, compare));
    see();
    return board.watch(see);
  }, []);
  return rows;
}

/** The id that the map looks at: the next of the rows every twelve seconds, a new first one at once. */
function useRound(rows: Row[]): string | null {
  const [at, setAt] = useState<string | null>(null);
  const ids = rows.map((row) => row.id).join(" ");
  useEffect(() => {
    if (!ids) return setAt(null);
    const order = ids.split(" ");
    let i = 0;
    const look = (): void => {
      const id = order[i % order.length]!;
      i++;
      const row = board.rows.get(id);
      setAt(id);
      selected.set(id);
      if (row?.lon != null && row.lat != null)
        focus.set({ lon: row.lon, lat: row.lat, zoom: NEAR_ZOOM, at: performance.now() });
    };
    look();
    const timer = setInterval(look, ROUND_MS);
    return () => clearInterval(timer);
  }, [ids]);
  return at;
}
