/** What a benchmark reads of the page: `window.__brain`. Fixed in size, so that measuring does not fill the heap. */

const KEPT = 16_384;

/** Times of updates, in a ring: received, then drawn by a frame. */
export class Measure {
  /** Rows on the map at the last frame. */
  drawn = 0;
  /** Rows that the stream brought. */
  received = 0;
  /** Those of them that a frame has shown. */
  applied = 0;
  reconnects = 0;
  frames = 0;
  /** WebGL is drawn by the processor. */
  software = false;
  /** The map, to be moved by what measures: MapLibre's own object. */
  map: unknown = null;
  private handed = 0;
  private readonly ids: string[] = new Array<string>(KEPT).fill("");
  private readonly revs = new Int32Array(KEPT);
  private readonly came = new Float64Array(KEPT);
  private readonly shown = new Float64Array(KEPT);

  receive(id: string, rev: number): void {
    const slot = this.received++ % KEPT;
    this.ids[slot] = id;
    this.revs[slot] = rev;
    this.came[slot] = now();
    this.shown[slot] = NaN;
  }

  /** All that came until now is handed to the list and the map; the next frame shows it. */
  hand(): void {
    this.handed = this.received;
  }

  /** A frame was drawn. */
  frame(): void {
    this.frames++;
    const at = now();
    for (let i = Math.max(this.applied, this.handed - KEPT); i < this.handed; i++) this.shown[i % KEPT] = at;
    this.applied = this.handed;
  }

  /** The latest updates that were drawn, oldest first: id, revision, when received and when drawn in ms UTC. */
  log(): [string, number, number, number][] {
    const from = Math.max(0, this.received - KEPT);
    const rows: [string, number, number, number][] = [];
    for (let i = from; i < this.applied; i++) {
      const slot = i % KEPT;
      rows.push([this.ids[slot] ?? "", this.revs[slot] ?? 0, this.came[slot] ?? NaN, this.shown[slot] ?? NaN]);
    }
    return rows;
  }
}

const now = (): number => performance.timeOrigin + performance.now();

export const measure = new Measure();

declare global {
  interface Window {
    __brain: Measure;
  }
}
window.__brain = measure;
