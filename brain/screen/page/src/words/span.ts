/** Lengths of time as people say them. */

import { language, t } from "./index";

const UNITS = {
  zh: { s: "秒", m: "分", h: "时", d: "天" },
  en: { s: "s", m: "min", h: "h", d: "d" },
} as const;

/** 42 秒, 12 分, 3 时 05 分, 2 天: two units at most, never negative. */
export function span(ms: number): string {
  const u = UNITS[language.get()];
  const gap = "\u2009";
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s}${gap}${u.s}`;
  const m = Math.floor(s / 60);
  if (m < 60) return `${m}${gap}${u.m}`;
  const h = Math.floor(m / 60);
  if (h < 24) return `${h}${gap}${u.h}${gap}${String(m % 60).padStart(2, "0")}${gap}${u.m}`;
  return `${Math.floor(h / 24)}${gap}${u.d}`;
}

const SOON_MS = 10 * 60_000;

/** How far off a limit is, and in words; negative: it is over. */
export function limit(left: number): ["overdue" | "soon" | "due", string] {
  if (left < 0) return ["overdue", t("row.overdue", { span: span(-left) })];
  return [left < SOON_MS ? "soon" : "due", t("row.due", { span: span(left) })];
}
