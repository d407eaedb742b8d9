/** The live stream, for as long as the page is open: it goes on from the last position after whatever cut it. */

import { API } from "./client";
import { Parser, type Message } from "./sse";

/** Nothing for so long, not even a pulse, and the connection counts as lost. */
export const SILENT_MS = 10_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
const RESET = -1;

export interface Events {
  message(event: string, data: unknown): void;
  /** The position is too old, or there is none: load the board and call :meth:`Stream.from`. */
  reload(): Promise<string>;
  up(): void;
  /** ``status``: HTTP, 0 where there was no answer. */
  down(status: number): void;
}

export class Stream {
  private last = "";
  private stopped = false;
  private wait = FIRST_WAIT_MS;
  private abort = new AbortController();
  private wake: () => void = () => {};

  constructor(private readonly events: Events) {}

  /** Follow from a position, which came with a board, until :meth:`stop`. */
  async run(from: string): Promise<void> {
    this.last = from;
    window.addEventListener("online", this.hurry);
    while (!this.stopped) {
      const status = await this.once();
      if (this.stopped) break;
      if (status === RESET) continue;
      this.events.down(status);
      if (status === 401 || status === 403) break;
      await this.pause();
    }
    window.removeEventListener("online", this.hurry);
  }

  stop(): void {
    this.stopped = true;
    this.abort.abort();
    this.wake();
  }

  private readonly hurry = (): void => {
    this.wait = FIRST_WAIT_MS;
    this.wake();
  };

  /** Waits twice as long each time, with a third of jitter, so that a hundred pages do not come back at once. */
  private async pause(): Promise<void> {
    const wait = this.wait * (1 + Math.random() / 3);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, wait);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private async once(): Promise<number> {
    this.abort = new AbortController();
    let watchdog = setTimeout(() => this.abort.abort(), SILENT_MS);
    let reset = false;
    try {
      if (!this.last) this.last = await this.events.reload();
      const response = await fetch(`${API}/stream`, {
        headers: { Accept: "text/event-stream", "Last-Event-ID": this.last },
        cache: "no-store",
        signal: this.abort.signal,
      });
      if (!response.ok || !response.body) return response.status;
      this.events.up();
      const parser = new Parser((message) => {
        if (message.event === "reset") reset = true;
        else this.take(message);
      });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return 0;
        clearTimeout(watchdog);
        watchdog = setTimeout(() => this.abort.abort(), SILENT_MS);
        this.wait = FIRST_WAIT_MS;
        parser.feed(value);
        if (reset) {
          this.last = "";
          await reader.cancel();
          return RESET;
        }
      }
    } catch {
      // Cut, refused or silent for too long: the caller says since when, and tries again.
      return 0;
    } finally {
      clearTimeout(watchdog);
    }
  }

  private take(message: Message): void {
    try {
      this.events.message(message.event, JSON.parse(message.data));
    } catch (error) {
      // One that cannot be worked must not hold up those after it.
      console.error("stream:", message.event, error);
    }
    if (message.id !== null) this.last = message.id;
  }
}
