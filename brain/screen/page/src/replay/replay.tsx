/** The bar under the map by which the board is taken back through the last hours, and played from there. */

import "../style/replay.css";

import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "../api/client";
import type { Row, Status } from "../api/types";
import { board, replayAt } from "../state/app";
import { cityNow, clockDate, clockTime } from "../state/clock";
import { goBack, goLive } from "../state/live";
import { Value, useValue } from "../state/value";
import { language, t, useLanguage } from "../words";

/** Whether the bar is there: most of the time nobody looks back. */
export const replaying = new Value(false);

interface Past {
  t0: number;
  t1: number;
  events: { t: number; row: Row }[];
}

const SPEEDS = [1, 10, 60, 300] as const;
const STEP_MS = 200;
/** So long after the last move of the slider the board of that time is asked for. */
const SEEK_MS = 150;
/** So much of the past is asked for at once, in milliseconds of playing. */
const AHEAD_MS = 20_000;
const LONGEST_MS = 6 * 3_600_000;

export function Replay(): VNode | null {
  useLanguage();
  return useValue(replaying) ? <Bar /> : null;
}

function Bar(): VNode {
  const at = useValue(replayAt);
  const [bounds, setBounds] = useState<[number, number] | null>(null);
  const [playing, play] = useState(false);
  const [seeking, setSeeking] = useState(false);
  const [speed, setSpeed] = useState<number>(60);
  const [wrong, setWrong] = useState("");
  const fail = (error: unknown): void => setWrong(error instanceof Error ? error.message : String(error));
  const wanted = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);

  useEffect(() => {
    void get<Status>("/status").then(
      ({ kept_since }) => {
        const now = Math.floor(cityNow());
        setBounds([Math.max(kept_since || now, now - LONGEST_MS), now]);
      },
      fail,
    );
    return () => {
      clearTimeout(wanted.current);
      if (replayAt.get() !== null) void goLive();
    };
  }, []);

  const seek = (t: number): void => {
    replayAt.set(t);
    setSeeking(true);
    clearTimeout(wanted.current);
    wanted.current = setTimeout(() => {
      goBack(t)
        .then(() => setWrong(""), fail)
        .finally(() => replayAt.get() === t && setSeeking(false));
    }, SEEK_MS);
  };

  // What plays goes on from the board that was sought, and only once it is there.
  useEffect(() => {
    if (!playing || seeking || !bounds) return;
    let queue: Past["events"] = [];
    let until = replayAt.get() ?? bounds[0];
    let asking = false;
    const timer = setInterval(() => {
      const from = replayAt.get();
      if (from === null) return;
      const next = Math.min(from + STEP_MS * speed, bounds[1]);
      if (!asking && until < bounds[1] && until - next < (AHEAD_MS * speed) / 2) {
        asking = true;
        const to = Math.min(until + AHEAD_MS * speed, bounds[1]);
        get<Past>(`/replay?from=${until}&to=${to}`).then(
          (past) => {
            queue = [...queue, ...past.events];
            until = Math.max(past.t1, until + 1);
            asking = false;
          },
          (error: unknown) => {
            fail(error);
            play(false);
          },
        );
      }
      if (until < next) return;
      const n = queue.findIndex((e) => e.t > next);
      for (const e of queue.splice(0, n < 0 ? queue.length : n)) board.take(e.row);
      replayAt.set(next);
      if (next >= bounds[1]) play(false);
    }, STEP_MS);
    return () => clearInterval(timer);
  }, [playing, seeking, speed, bounds]);

  const leave = (): void => {
    play(false);
    replaying.set(false);
  };
  const now = at ?? bounds?.[1] ?? cityNow();
  return (
    <section class="replay" aria-label={t("replay.title")}>
      <button type="button" disabled={!bounds} onClick={() => {
        if (!playing && bounds && replayAt.get() === null) seek(bounds[0]);
        play(!playing);
      }}>
        {t(playing ? "replay.pause" : "replay.play")}
      </button>
      <select aria-label={t("replay.speed")} value={String(speed)} onChange={(e) => setSpeed(Number(e.currentTarget.value))}>
        {SPEEDS.map((s) => (
          <option key={s} value={s}>
            {s}×
          </option>
        ))}
      </select>
      <input
        type="range"
        aria-label={t("replay.slider")}
        aria-valuetext={clockTime(now)}
        min={bounds?.[0] ?? 0}
        max={bounds?.[1] ?? 1}
        step={1000}
        value={now}
        disabled={!bounds}
        onInput={(e) => seek(Number(e.currentTarget.value))}
      />
      <output>
        <b>{clockTime(now)}</b> <small>{clockDate(now, language.get())}</small>
      </output>
      <button type="button" class="main" onClick={leave}>
        {t("replay.live")}
      </button>
      {wrong && (
        <p class="wrong" role="alert">
          {wrong}
        </p>
      )}
    </section>
  );
}
