/** The page's life: who is signed in, the board, then the stream; and whether what is seen is live. */

import { ApiError, get, onRefused, useCsrf } from "../api/client";
import { SILENT_MS, Stream } from "../api/stream";
import type { Alarm, Board, Me, Pulse, Row } from "../api/types";
import { board, late, lostSince, me, phase, pulse, replayAt } from "./app";
import { measure } from "./measure";

/** More rows than this are not asked for: the board says so by its length. */
const MOST = 10_000;
const CHECK_MS = 1000;

let stream: Stream | null = null;
let checks: ReturnType<typeof setInterval> | undefined;

const loadBoard = (): Promise<Board> => get<Board>(`/board?limit=${MOST}`);

function take(loaded: Board): string {
  // While the past is looked at it stays: the board is loaded anew afterwards.
  if (replayAt.get() === null) board.load(loaded);
  // As old as the board says: a server that is up over a dead pipeline must not look alive.
  if (loaded.t) pulse.set({ pulse: { t: loaded.t, set: "", late: false }, got: performance.now() });
  return loaded.event;
}

const lose = (): void => lostSince.set(lostSince.get() ?? Date.now());

/** Begin, or begin again after somebody signed in. Board and account are asked for at once: the browser has both early. */
export async function begin(): Promise<void> {
  end();
  const [account, loaded] = await Promise.allSettled([get<Me>("/me"), loadBoard()]);
  if (account.status === "rejected") {
    phase.set("signin");
    if (!(account.reason instanceof ApiError)) lose();
    return;
  }
  useCsrf(account.value.csrf);
  me.set(account.value);
  if (!account.value.rights.includes("read")) {
    phase.set("unread");
    return;
  }
  phase.set("live");
  if (loaded.status === "fulfilled") {
    follow(take(loaded.value));
  } else {
    lose();
    follow("");
  }
}

/** The board as it was at a time, ms UTC, unless another is wanted by then. Raises as :func:`get`. */
export async function goBack(t: number): Promise<void> {
  const then = await get<{ rows: Row[] }>(`/replay/at?t=${Math.floor(t)}`);
  if (replayAt.get() === t) board.load({ event: "", t: 0, rows: then.rows });
}

/** The board as it is, and the stream from there; whoever signed out meanwhile gets them when somebody signs in. */
export async function goLive(): Promise<void> {
  replayAt.set(null);
  if (phase.get() !== "live") return;
  end();
  try {
    follow(take(await loadBoard()));
  } catch {
    // Said by the banner: the stream has no position, and loads the board as soon as it can.
    lose();
    follow("");
  }
}

/** Stop following; what is on the board stays there. */
export function end(): void {
  stream?.stop();
  stream = null;
  clearInterval(checks);
}

function follow(from: string): void {
  stream = new Stream({
    message(event, data) {
      // While the past is looked at, the stream only says that it is there: the board is loaded anew afterwards.
      if (event === "incident") replayAt.get() === null && board.take(data as Row);
      else if (event === "alarm") replayAt.get() === null && board.alarm(data as Alarm);
      else if (event === "pulse") {
        pulse.set({ pulse: data as Pulse, got: performance.now() });
        check();
      }
    },
    async reload() {
      return take(await loadBoard());
    },
    up() {
      lostSince.set(null);
    },
    down(status) {
      measure.reconnects++;
      lose();
      if (status === 401) phase.set("signin");
    },
  });
  void stream.run(from);
  checks = setInterval(check, CHECK_MS);
}

/** A pulse that says it is late, or none for ten seconds. */
function check(): void {
  const last = pulse.get();
  late.set(!last || last.pulse.late || performance.now() - last.got > SILENT_MS);
}

onRefused(() => {
  if (phase.get() === "live") {
    end();
    phase.set("signin");
  }
});
