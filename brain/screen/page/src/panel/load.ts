/** What the panel shows, asked for when it opens and again when the row on the board has another revision. */

import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, get, getIfThere } from "../api/client";
import type { Detail, Firing, Near } from "../api/detail";
import type { Row } from "../api/types";
import { board, me } from "../state/app";

/** An incident in a storm changes several times a second; people read slower. */
const LEAST_MS = 1500;

export interface Loaded {
  detail: Detail | null;
  firing: Firing | null;
  similar: Row[] | null;
  /** Why there is no detail. */
  wrong: string;
  again: () => void;
}

/** The row as it stands on the board, and again with each change. */
export function useRow(id: string): Row | undefined {
  const [row, see] = useState(() => board.rows.get(id));
  useEffect(() => {
    see(board.rows.get(id));
    return board.watch(() => see(board.rows.get(id)));
  }, [id]);
  return row;
}

export function useDetail(id: string, rev: number | undefined): Loaded {
  const [detail, setDetail] = useState<Detail | null>(null);
  const [firing, setFiring] = useState<Firing | null>(null);
  const [similar, setSimilar] = useState<Row[] | null>(null);
  const [wrong, setWrong] = useState("");
  const [turn, setTurn] = useState(0);
  const answered = useRef(0);
  useEffect(() => {
    const abort = new AbortController();
    const known = detail?.incident.revision ?? -1;
    const wished = turn !== answered.current;
    if (rev !== undefined && known >= rev && !wished) return;
    const timer = setTimeout(
      () => {
        void get<Detail>(`/incidents/${encodeURIComponent(id)}`, abort.signal).then(
          (answer) => {
            setDetail(answer);
            setWrong("");
            answered.current = turn;
          },
          (error: unknown) => {
            if (!abort.signal.aborted) setWrong(error instanceof ApiError ? error.message : String(error));
          },
        );
        // Who does not see evidence would be refused, and every refusal is on the audit.
        if (me.get()?.rights.includes("evidence"))
          void getIfThere<Firing>(`/incidents/${encodeURIComponent(id)}/firing`).then(setFiring, () => setFiring(null));
      },
      detail && !wished ? LEAST_MS : 0,
    );
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [id, rev, turn]);
  useEffect(() => {
    void getIfThere<{ items: Row[] }>(`/incidents/${encodeURIComponent(id)}/similar`).then(
      (answer) => setSimilar(answer?.items ?? []),
      () => setSimilar([]),
    );
  }, [id]);
  return { detail, firing, similar, wrong, again: () => setTurn((n) => n + 1) };
}

/** What is known near a place, shown to people or not, nearest first. */
export async function nearby(lon: number, lat: number, radius = 500): Promise<Near[]> {
  const answer = await getIfThere<{ rows: Near[] }>(`/nearby?lon=${lon}&lat=${lat}&radius_m=${radius}`);
  return answer?.rows ?? [];
}
