/** The six domains side by side: what stands open, what waits, and their last day hour by hour. */

import "../style/domains.css";

import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { getIfThere } from "../api/client";
import { DOMAINS, type Domain } from "../api/types";
import { LEVEL_COLOURS } from "../map/shapes";
import { NO_FILTER, filter, view } from "../state/app";
import { figures } from "../state/figures";
import { useValue } from "../state/value";
import { Mark } from "../ui/mark";
import { t, tOf, useLanguage } from "../words";
import { span } from "../words/span";

interface Figures {
  open: number;
  by_level: number[];
  life: number;
  unacknowledged: number;
  overdue: number;
  opened_by_hour: number[];
  closed_by_hour: number[];
  withheld: number;
  signals: number;
  median_accept_s: number | null;
  median_close_s: number | null;
}
interface Stats {
  t: number;
  domains: Record<Domain, Figures>;
  reduction: number | null;
}

const AGAIN_MS = 10_000;

export function Domains(): VNode {
  useLanguage();
  const counts = useValue(figures);
  const [stats, setStats] = useState<Stats | null>(null);
  useEffect(() => {
    const load = (): void => void getIfThere<Stats>("/stats?hours=24").then(setStats, () => undefined);
    load();
    const timer = setInterval(load, AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <section class="six" aria-label={t("domains.title")}>
      <header>
        <h2>{t("domains.title")}</h2>
        {stats?.reduction != null && <p>{t("domains.reduction", { n: (stats.reduction * 100).toFixed(1) })}</p>}
        <button type="button" onClick={() => view.set("map")}>
          {t("nav.map")}
        </button>
      </header>
      <div class="cards">
        {DOMAINS.map((d) => (
          <Card key={d} domain={d} open={counts.byDomain[d].open} levels={counts.byDomain[d].byLevel} figures={stats?.domains[d]} />
        ))}
      </div>
    </section>
  );
}

interface CardProps {
  domain: Domain;
  open: number;
  levels: number[];
  figures: Figures | undefined;
}

function Card({ domain, open, levels, figures: f }: CardProps): VNode {
  const choose = (): void => {
    filter.set({ ...NO_FILTER, domain });
    view.set("map");
  };
  const rows: [string, string, boolean][] = f
    ? [
        [t("figure.life"), String(f.life), f.life > 0],
        [t("figure.waiting"), String(f.unacknowledged), false],
        [t("figure.overdue"), String(f.overdue), f.overdue > 0],
        [t("domains.accept"), f.median_accept_s == null ? "–" : span(f.median_accept_s * 1000), false],
        [t("domains.close"), f.median_close_s == null ? "–" : span(f.median_close_s * 1000), false],
        [t("domains.withheld"), f.withheld.toLocaleString("en-US"), false],
        [t("domains.signals"), f.signals.toLocaleString("en-US"), false],
      ]
    : [];
  return (
    <article class="card">
      <h3>
        <Mark domain={domain} /> {tOf("domain", domain)}
      </h3>
      <button type="button" class="big" onClick={choose} aria-label={t("domains.choose", { domain: tOf("domain", domain), n: open })}>
        <b>{open.toLocaleString("en-US")}</b> <span>{t("figure.open")}</span>
      </button>
      <Levels levels={levels} />
      <dl>
        {rows.map(([term, value, bad]) => (
          <div key={term} class={bad ? "bad" : ""}>
            <dt>{term}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {f && <Trend opened={f.opened_by_hour} closed={f.closed_by_hour} />}
    </article>
  );
}

/** Shares of the levels in one bar; the numbers are beside it, so that colour is not all. */
function Levels({ levels }: { levels: number[] }): VNode {
  const all = Math.max(1, levels.reduce((sum, n) => sum + n, 0));
  const down = [4, 3, 2, 1, 0];
  return (
    <div class="levels">
      <div class="bar" aria-hidden="true">
        {down.map((l) => (levels[l] ? <i key={l} style={{ width: `${(100 * levels[l]!) / all}%`, background: LEVEL_COLOURS[l]! }} /> : null))}
      </div>
      <ul>
        {down.map((l) => (
          <li key={l} style={{ "--level": LEVEL_COLOURS[l]! }}>
            <span>{l === 0 ? t("colour.0") : t("level", { n: l })}</span> <b>{levels[l] ?? 0}</b>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Opened upwards, closed downwards, an hour each; the newest at the right. */
function Trend({ opened, closed }: { opened: number[]; closed: number[] }): VNode {
  const most = Math.max(1, ...opened, ...closed);
  const w = 100 / opened.length;
  const sum = (xs: number[]): number => xs.reduce((a, b) => a + b, 0);
  const label = t("domains.trend", { opened: sum(opened), closed: sum(closed), hours: opened.length });
  return (
    <figure class="trend">
      <svg viewBox="0 0 100 40" preserveAspectRatio="none" role="img" aria-label={label}>
        <line x1="0" x2="100" y1="20" y2="20" />
        {opened.map((n, k) => (n ? <rect key={`o${k}`} class="opened" x={k * w} width={w * 0.8} y={20 - (19 * n) / most} height={(19 * n) / most} /> : null))}
        {closed.map((n, k) => (n ? <rect key={`c${k}`} class="closed" x={k * w} width={w * 0.8} y={20} height={(19 * n) / most} /> : null))}
      </svg>
      <figcaption>{label}</figcaption>
    </figure>
  );
}
