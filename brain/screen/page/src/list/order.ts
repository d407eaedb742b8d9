/** In which order incidents stand, and how that order stays still while somebody reads it. */

import type { Row } from "../api/types";
import { inHand, levelOf } from "../map/shapes";

/** Life-safety that nobody has in hand, then by level, then the newest; the id parts the rest, so the order is total. */
export function compare(a: Row, b: Row): number {
  const pinned = Number(pins(b)) - Number(pins(a));
  if (pinned) return pinned;
  return levelOf(b) - levelOf(a) || b.opened - a.opened || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** Stands at the top at once, also while the order is still. */
export const pins = (row: Row): boolean => Boolean(row.life) && !inHand(row);

/**
 * Rows in order. While frozen no row moves: those that changed change in place, those that left stay as ended, and new
 * ones wait in `fresh`, except the pinned.
 */
export class Order {
  rows: Row[] = [];
  /** Rows that left while the order was frozen. */
  readonly ended = new Set<string>();
  /** New ones that are not shown yet. */
  readonly fresh = new Map<string, Row>();
  /** Pinned rows that came in above others since :meth:`takeAbove` was last asked. */
  private above = 0;
  private frozen = false;

  constructor(private passes: (row: Row) => boolean) {}

  /** All anew, by another filter or another board. */
  reset(rows: Iterable<Row>, passes = this.passes): void {
    this.passes = passes;
    this.ended.clear();
    this.fresh.clear();
    this.rows = [...rows].filter(passes).sort(compare);
  }

  /** What a flush of the board brought. */
  take(changed: readonly Row[], gone: readonly string[]): void {
    const news = new Map(changed.map((row) => [row.id, row]));
    if (this.frozen) this.hold(news, gone);
    else this.merge(news, new Set(gone));
  }

  freeze(): void {
    this.frozen = true;
  }

  /** Let what waited come in; the order is as if it had never been frozen. */
  thaw(): void {
    this.frozen = false;
    if (!this.fresh.size && !this.ended.size && !this.moved) return;
    const ended = this.ended;
    const rows = this.rows.filter((row) => !ended.has(row.id) && this.passes(row));
    this.rows = [...rows, ...this.fresh.values()].sort(compare);
    this.fresh.clear();
    this.ended.clear();
    this.moved = false;
  }

  get isFrozen(): boolean {
    return this.frozen;
  }

  /** How many rows came in above since the last call: by so many a reader's view must be pushed down to stand still. */
  takeAbove(): number {
    const above = this.above;
    this.above = 0;
    return above;
  }

  private moved = false;

  private hold(news: Map<string, Row>, gone: readonly string[]): void {
    for (const id of gone) {
      if (!this.fresh.delete(id)) this.ended.add(id);
    }
    if (!news.size) return;
    const rows = this.rows.slice();
    for (let i = 0; i < rows.length && news.size; i++) {
      const row = news.get(rows[i]!.id);
      if (!row) continue;
      rows[i] = row;
      this.ended.delete(row.id);
      news.delete(row.id);
      this.moved = true;
    }
    const pinned: Row[] = [];
    for (const row of news.values()) {
      if (!this.passes(row)) this.fresh.delete(row.id);
      else if (pins(row)) pinned.push(row);
      else this.fresh.set(row.id, row);
    }
    for (const row of pinned) this.fresh.delete(row.id);
    this.above += pinned.length;
    this.rows = pinned.length ? [...pinned.sort(compare), ...rows] : rows;
  }

  private merge(news: Map<string, Row>, gone: Set<string>): void {
    const come = [...news.values()].filter(this.passes).sort(compare);
    const out: Row[] = [];
    let c = 0;
    for (const row of this.rows) {
      if (gone.has(row.id) || news.has(row.id)) continue;
      while (c < come.length && compare(come[c]!, row) < 0) out.push(come[c++]!);
      out.push(row);
    }
    while (c < come.length) out.push(come[c++]!);
    this.rows = out;
  }
}
