/** How incidents look: a domain is a shape, a level a colour and a digit, so that neither is told by colour alone. */

import type { Domain, Row } from "../api/types";

/** By level 0 to 4: the colours of official warnings 蓝黄橙红, grey where a scenario has no ladder. */
export const LEVEL_COLOURS = ["#93a4b3", "#4aa8ff", "#ffd23f", "#ff9138", "#ff4d4f"] as const;
/** What is readable on them. */
export const LEVEL_INK = "#0a0f15";
export const LEVELS = 5;

export const levelOf = (row: Row): number => Math.min(Math.max(row.level ?? 0, 0), LEVELS - 1);

/** Somebody has it in hand: drawn hollow. */
export const inHand = (row: Row): boolean =>
  Boolean(row.taken_by) || row.state === "dispatched" || row.state === "handling" || row.state === "resolved";

/** Corners around the origin within radius 1; null is a circle. */
export const SHAPES: Record<Domain, readonly (readonly [number, number])[] | null> = {
  emergency: [
    [0, -1],
    [0.98, 0.78],
    [-0.98, 0.78],
  ],
  market: [
    [-0.8, -0.8],
    [0.8, -0.8],
    [0.8, 0.8],
    [-0.8, 0.8],
  ],
  eco: [
    [0.5, -0.866],
    [1, 0],
    [0.5, 0.866],
    [-0.5, 0.866],
    [-1, 0],
    [-0.5, -0.866],
  ],
  social: null,
  public: [
    [0, -1],
    [1, 0],
    [0, 1],
    [-1, 0],
  ],
  economy: [
    [0, -1],
    [0.951, -0.309],
    [0.588, 0.809],
    [-0.588, 0.809],
    [-0.951, -0.309],
  ],
};
/** Where a digit sits: the middle of a triangle is low. */
export const DIGIT_DOWN: Record<Domain, number> = {
  emergency: 0.2,
  market: 0,
  eco: 0,
  social: 0,
  public: 0,
  economy: 0.05,
};
