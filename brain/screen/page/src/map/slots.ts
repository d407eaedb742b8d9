/**
 * Points in typed arrays, one run a rank, so that what matters more is drawn later: an update writes four numbers in
 * place, and leaving swaps the last one in. No allocation but when a run grows by half.
 */

/** Numbers a point: x, y, column, form. */
export const STRIDE = 4;

export class Run {
  data = new Float32Array(256 * STRIDE);
  ids: string[] = [];

  get length(): number {
    return this.ids.length;
  }

  /** The slot that the point got. */
  push(id: string): number {
    const slot = this.ids.push(id) - 1;
    if (this.ids.length * STRIDE > this.data.length) {
      const more = new Float32Array(Math.ceil(this.data.length * 1.5));
      more.set(this.data);
      this.data = more;
    }
    return slot;
  }

  /** The id that was moved into the slot, or null where it was the last. */
  remove(slot: number): string | null {
    const last = this.ids.length - 1;
    const moved = this.ids[last]!;
    this.ids.pop();
    if (slot === last) return null;
    this.ids[slot] = moved;
    this.data.copyWithin(slot * STRIDE, last * STRIDE, (last + 1) * STRIDE);
    return moved;
  }
}

/** Points by id over some runs. */
export class Slots {
  readonly runs: Run[];
  private readonly where = new Map<string, { run: number; slot: number }>();

  constructor(ranks: number) {
    this.runs = Array.from({ length: ranks }, () => new Run());
  }

  get size(): number {
    return this.where.size;
  }

  has(id: string): boolean {
    return this.where.has(id);
  }

  put(id: string, rank: number, x: number, y: number, column: number, form: number): void {
    let at = this.where.get(id);
    if (at && at.run !== rank) {
      this.leave(at);
      at.run = rank;
      at.slot = this.runs[rank]!.push(id);
    } else if (!at) {
      at = { run: rank, slot: this.runs[rank]!.push(id) };
      this.where.set(id, at);
    }
    const data = this.runs[rank]!.data;
    const i = at.slot * STRIDE;
    data[i] = x;
    data[i + 1] = y;
    data[i + 2] = column;
    data[i + 3] = form;
  }

  drop(id: string): void {
    const at = this.where.get(id);
    if (!at) return;
    this.leave(at);
    this.where.delete(id);
  }

  clear(): void {
    this.where.clear();
    for (const run of this.runs) run.ids.length = 0;
  }

  /** The point nearest to a place within a radius, those of higher ranks before nearer ones of lower; null where none is. */
  near(x: number, y: number, radius: number): string | null {
    for (let r = this.runs.length - 1; r >= 0; r--) {
      const { data, ids } = this.runs[r]!;
      let best = -1;
      let least = radius * radius;
      for (let s = 0, i = 0; s < ids.length; s++, i += STRIDE) {
        const dx = data[i]! - x;
        const dy = data[i + 1]! - y;
        const d = dx * dx + dy * dy;
        if (d <= least) {
          least = d;
          best = s;
        }
      }
      if (best >= 0) return ids[best]!;
    }
    return null;
  }

  private leave(at: { run: number; slot: number }): void {
    const moved = this.runs[at.run]!.remove(at.slot);
    if (moved !== null) this.where.get(moved)!.slot = at.slot;
  }
}
