/** Which lines of a long list are in sight. */

/** Lines drawn beyond the edges, so that a scroll shows no gap before the next frame. */
const BEYOND = 6;

/** First and one past the last line to draw. */
export function inSight(top: number, height: number, line: number, total: number): [number, number] {
  const first = Math.max(0, Math.floor(top / line) - BEYOND);
  const last = Math.min(total, Math.ceil((top + height) / line) + BEYOND);
  return [Math.min(first, total), last];
}
