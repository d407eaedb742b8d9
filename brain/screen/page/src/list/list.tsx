/** The list of open incidents: drawn only where it is in sight, and still while somebody is in it. */

import type { VNode } from "preact";
import { useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
import { board, filter, me, replayAt, selected } from "../state/app";
import { tick } from "../state/clock";
import { places } from "../state/places";
import { useValue } from "../state/value";
import { t, useLanguage } from "../words";
import { passing } from "./filter";
import { step, type Key } from "./keys";
import { Order } from "./order";
import { Line, ROW_HEIGHT, optionId } from "./row";
import { inSight } from "./window";

export function List(): VNode {
  useLanguage();
  useValue(tick);
  useValue(replayAt);
  useValue(places);
  const wanted = useValue(filter);
  const account = useValue(me);
  const open = useValue(selected);
  const [, draw] = useReducer((n: number) => n + 1, 0);
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(800);
  const [active, setActive] = useState<string | null>(null);
  const held = useRef({ pointer: false, focus: false });
  const order = useMemo(() => new Order(passing(filter.get(), me.get())), []);

  useEffect(() => {
    order.reset(board.rows.values(), passing(wanted, account));
    if (box.current) box.current.scrollTop = 0;
    draw(0);
  }, [wanted, account]);

  useEffect(
    () =>
      board.watch((change) => {
        if (change.whole) order.reset(board.rows.values());
        else order.take(change.rows, change.gone);
        draw(0);
      }),
    [],
  );

  useEffect(() => {
    const node = box.current!;
    const seen = new ResizeObserver(() => setHeight(node.clientHeight));
    seen.observe(node);
    return () => seen.disconnect();
  }, []);

  // Pinned rows came in above: what is being read stays where it is on the screen.
  useLayoutEffect(() => {
    const above = order.takeAbove();
    if (above && box.current && box.current.scrollTop > 0) box.current.scrollTop += above * ROW_HEIGHT;
  });

  const hold = (): void => {
    const { pointer, focus } = held.current;
    const away = (box.current?.scrollTop ?? 0) > ROW_HEIGHT / 2;
    if (pointer || focus || away) order.freeze();
    else order.thaw();
    draw(0);
  };

  const refresh = (): void => {
    order.thaw();
    if (box.current) box.current.scrollTop = 0;
    setActive(order.rows[0]?.id ?? null);
    hold();
  };

  const show = (id: string): void => {
    setActive(id);
    selected.set(id);
  };

  const press = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" && active) {
      selected.set(active);
      event.preventDefault();
      return;
    }
    const at = order.rows.findIndex((row) => row.id === active);
    const next = step(event.key as Key, at, order.rows.length, Math.max(1, Math.floor(height / ROW_HEIGHT) - 1));
    const row = next === null ? undefined : order.rows[next];
    if (next === null || !row) return;
    event.preventDefault();
    setActive(row.id);
    reveal(box.current!, next);
  };

  const total = order.rows.length;
  const [first, last] = inSight(top, height, ROW_HEIGHT, total);
  const lines = order.rows.slice(first, last);
  const activeSeen = active !== null && lines.some((row) => row.id === active);
  return (
    <section class="list" aria-label={t("list.title")}>
      <div class="count">
        <span>{t("list.count", { n: total, all: board.rows.size })}</span>
        {order.fresh.size > 0 ? (
          <button type="button" class="pill" onClick={refresh}>
            {t("list.fresh", { n: order.fresh.size })}
          </button>
        ) : (
          order.isFrozen && <span class="still">{t("list.still")}</span>
        )}
      </div>
      <div
        ref={box}
        class="lines"
        role="listbox"
        tabIndex={0}
        aria-label={t("list.title")}
        aria-activedescendant={activeSeen ? optionId(active) : undefined}
        onScroll={(event) => {
          setTop(event.currentTarget.scrollTop);
          hold();
        }}
        onKeyDown={press}
        onPointerEnter={() => ((held.current.pointer = true), hold())}
        onPointerLeave={() => ((held.current.pointer = false), hold())}
        onFocus={() => {
          held.current.focus = true;
          if (!active) setActive(order.rows[first]?.id ?? null);
          hold();
        }}
        onBlur={() => ((held.current.focus = false), hold())}
      >
        <div class="all" role="presentation" style={{ height: `${total * ROW_HEIGHT}px` }}>
          {lines.map((row, i) => (
            <Line
              key={row.id}
              row={row}
              top={(first + i) * ROW_HEIGHT}
              position={first + i + 1}
              total={total}
              active={row.id === active}
              open={row.id === open}
              ended={order.ended.has(row.id)}
              choose={show}
            />
          ))}
        </div>
        {total === 0 && <p class="none">{t("list.none")}</p>}
      </div>
    </section>
  );
}

function reveal(node: HTMLElement, index: number): void {
  const top = index * ROW_HEIGHT;
  if (top < node.scrollTop) node.scrollTop = top;
  else if (top + ROW_HEIGHT > node.scrollTop + node.clientHeight) node.scrollTop = top + ROW_HEIGHT - node.clientHeight;
}
