/** What time it is for the city: the pulse's, carried on by the browser's own steady clock. */

import { pulse, replayAt } from "./app";
import { Value } from "./value";

/** Milliseconds UTC. A console's clock may be wrong; the pulse's is the one that incidents are judged by. */
export function cityNow(): number {
  const last = pulse.get();
  return last ? last.pulse.t + (performance.now() - last.got) : Date.now();
}

/** The time that the board is of, ms UTC: the city's, or the moment looked back at. Ages on it count from here. */
export const boardNow = (): number => replayAt.get() ?? cityNow();

/** Changes every second, for what shows the time. */
export const second = new Value(0);
/** Changes every five seconds, for what shows how long ago. */
export const tick = new Value(0);

setInterval(() => {
  second.set(second.get() + 1);
  if (second.get() % 5 === 0) tick.set(tick.get() + 1);
}, 1000);

const ZONE = "Asia/Shanghai";
const time = new Intl.DateTimeFormat("zh-CN", { timeZone: ZONE, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const short = new Intl.DateTimeFormat("zh-CN", { timeZone: ZONE, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const dateZh = new Intl.DateTimeFormat("zh-CN", { timeZone: ZONE, year: "numeric", month: "long", day: "numeric", weekday: "short" });
const dateEn = new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, year: "numeric", month: "short", day: "numeric", weekday: "short" });

/** 14:03:22, the city's time (UTC+8). */
export const clockTime = (ms: number): string => time.format(ms);
/** 14:03. */
export const clockShort = (ms: number): string => short.format(ms);
export const clockDate = (ms: number, language: "zh" | "en"): string => (language === "zh" ? dateZh : dateEn).format(ms);
