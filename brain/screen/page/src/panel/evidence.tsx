/** What speaks for it: the members with value and threshold, their course as a chart, and how often it fired of late. */

import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Doubt, Firing, Incident, Member } from "../api/detail";
import { cityNow, clockDate, clockShort, clockTime } from "../state/clock";
import { language, say, t, tOf, useLanguage } from "../words";
import { Doubts } from "./doubts";
import { Part } from "./part";

const FIRST = 12;
const LINES = 6;

interface Props {
  incident: Incident;
  /** By asset. */
  doubted: Record<string, Doubt>;
  firing: Firing | null;
}

export function Evidence({ incident, doubted, firing }: Props): VNode {
  const members = incident.members ?? [];
  const drawn = (firing?.members ?? []).filter((m) => m.points.length > 1).slice(0, LINES);
  return (
    <Part title={t("evidence.title", { n: incident.count ?? members.length })}>
      {members.length === 0 && <p class="none">{t("evidence.hidden")}</p>}
      {members.length > 0 && (
        <table class="members">
          <thead>
            <tr>
              <th scope="col">{t("evidence.asset")}</th>
              <th scope="col">{t("evidence.source")}</th>
              <th scope="col" class="number">
                {t("evidence.value")}
              </th>
              <th scope="col" class="number">
                {t("evidence.threshold")}
              </th>
              <th scope="col">{t("evidence.since")}</th>
            </tr>
          </thead>
          <tbody>
            {members.slice(0, FIRST).map((m) => (
              <Line key={m.id} member={m} doubt={doubted[m.asset]} />
            ))}
          </tbody>
        </table>
      )}
      {members.length > FIRST && <p class="none">{t("evidence.more", { n: members.length - FIRST })}</p>}
      {drawn.length > 0 && <Course lines={drawn} />}
      {firing && firing.bins.some((b) => b.raises) && <Fired bins={firing.bins} />}
    </Part>
  );
}

function Line({ member: m, doubt }: { member: Member; doubt: Doubt | undefined }): VNode {
  const stands = m.cleared == null;
  const trust = m.trust ?? 1;
  const mild = !doubt && trust < 1;
  return (
    <>
      <tr class={stands ? "" : "over"}>
        <td>
          {doubt && (
            <span class="doubt" aria-hidden="true">
              ⚠{" "}
            </span>
          )}
          {m.asset}
          {(m.raises ?? 1) > 1 && <small> ×{m.raises}</small>}
        </td>
        <td>{tOf("source", m.source ?? "")}</td>
        <td class="number">{m.value == null ? "–" : number(m.value)}</td>
        <td class="number">{m.threshold == null ? "–" : number(m.threshold)}</td>
        <td>
          {clockTime(m.onset)}
          {!stands && <small> {t("evidence.cleared", { time: clockShort(m.cleared!) })}</small>}
        </td>
      </tr>
      {(m.text || mild || doubt || m.standard) && (
        <tr class="more">
          <td colSpan={5}>
            {m.text && <q>{m.text}</q>} {m.standard && <span>{m.standard}</span>}{" "}
            {mild && (
              <>
                <span class="doubt">{t("evidence.trust", { n: Math.round(trust * 100) })}</span> <Doubts names={m.doubts ?? []} />
              </>
            )}
            {doubt && <Doubted doubt={doubt} />}
          </td>
        </tr>
      )}
    </>
  );
}

/** An asset that the city does not believe: since when, why, and how far it still does. */
function Doubted({ doubt }: { doubt: Doubt }): VNode {
  const { since } = doubt;
  const why = doubt.doubts.map((d) => say(d.text, d.reason)).join(t("evidence.comma"));
  return (
    <span class="doubt">
      {since === null ? t("evidence.doubted") : t("evidence.doubted-since", { time: timeOf(since) })}
      {why && t("evidence.because", { why })} <small>{t("evidence.trust", { n: Math.round(doubt.trust * 100) })}</small>
    </span>
  );
}

/** 14:03, with the day where that is not today's. */
function timeOf(ms: number): string {
  const day = clockDate(ms, language.get());
  return day === clockDate(cityNow(), language.get()) ? clockShort(ms) : `${day} ${clockShort(ms)}`;
}

const number = (x: number): string => (Math.abs(x) >= 1000 ? Math.round(x).toString() : Number(x.toPrecision(4)).toString());

/** Values over time with their thresholds; the library comes only when there is something to draw. */
function Course({ lines }: { lines: Firing["members"] }): VNode {
  const lang = useLanguage();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let end = (): void => {};
    let gone = false;
    void import("./chart").then(
      ({ draw }) => {
        if (!gone && box.current) end = draw(box.current, lines);
      },
      (error: unknown) => console.error("chart:", error),
    );
    return () => {
      gone = true;
      end();
    };
  }, [lines, lang]);
  const last = lines.map((l) => `${l.asset} ${number(l.points[l.points.length - 1]![1])}`).join(", ");
  return <div ref={box} class="course" role="img" aria-label={t("evidence.chart", { values: last })} />;
}

/** Raises by quarter of an hour over a day: a sensor that fires every night is seen at once. */
function Fired({ bins }: { bins: Firing["bins"] }): VNode {
  const most = Math.max(1, ...bins.map((b) => b.raises));
  const total = bins.reduce((sum, b) => sum + b.raises, 0);
  const w = 100 / bins.length;
  return (
    <figure class="fired">
      <figcaption>{t("evidence.fired", { n: total })}</figcaption>
      <svg viewBox="0 0 100 20" preserveAspectRatio="none" role="img" aria-label={t("evidence.fired", { n: total })}>
        {bins.map((b, k) =>
          b.raises ? <rect key={b.t} x={k * w} width={w * 0.8} y={20 - (20 * b.raises) / most} height={(20 * b.raises) / most} /> : null,
        )}
      </svg>
      <div class="ends" aria-hidden="true">
        <span>{clockShort(bins[0]!.t)}</span>
        <span>{clockShort(bins[bins.length - 1]!.t)}</span>
      </div>
    </figure>
  );
}
