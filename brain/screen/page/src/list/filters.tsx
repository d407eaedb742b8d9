/** The bar over the list that narrows list and map. */

import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { DOMAINS } from "../api/types";
import { LEVEL_COLOURS } from "../map/shapes";
import { NO_FILTER, filter, type Filter } from "../state/app";
import { figures } from "../state/figures";
import { placeName, places } from "../state/places";
import { useValue } from "../state/value";
import { Mark } from "../ui/mark";
import { t, useLanguage } from "../words";

export const SEARCH_ID = "search";
const TYPING_MS = 150;

const change = (part: Partial<Filter>): void => filter.set({ ...filter.get(), ...part });

export function Filters(): VNode {
  useLanguage();
  useValue(places);
  const now = useValue(filter);
  const counts = useValue(figures);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const type = (text: string): void => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => change({ text }), TYPING_MS);
  };
  return (
    <form class="filters" role="search" aria-label={t("filter.title")} onSubmit={(e) => e.preventDefault()}>
      <div class="line1">
        <input
          id={SEARCH_ID}
          type="search"
          autocomplete="off"
          placeholder={t("filter.search")}
          aria-label={t("filter.search")}
          defaultValue={now.text}
          onInput={(e) => type(e.currentTarget.value)}
        />
        <button type="button" class="chip" aria-pressed={now.mine} onClick={() => change({ mine: !now.mine })}>
          {t("filter.mine")}
        </button>
        {now !== NO_FILTER && (
          <button
            type="button"
            class="chip clear"
            onClick={() => {
              const search = document.getElementById(SEARCH_ID);
              if (search instanceof HTMLInputElement) search.value = "";
              filter.set(NO_FILTER);
            }}
          >
            {t("filter.clear")}
          </button>
        )}
      </div>
      <div class="domains" role="group" aria-label={t("filter.domain")}>
        {DOMAINS.map((domain) => (
          <button
            key={domain}
            type="button"
            class="domain"
            aria-pressed={now.domain === domain}
            onClick={() => change({ domain: now.domain === domain ? "" : domain })}
          >
            <Mark domain={domain} />
            <span class="word">{t(`domain.${domain}`)}</span>
            <span class="n">{counts.byDomain[domain].open}</span>
          </button>
        ))}
      </div>
      <div class="line2">
        <div class="levels" role="group" aria-label={t("filter.level")}>
          {[4, 3, 2, 1].map((level) => (
            <button
              key={level}
              type="button"
              class="level"
              style={{ "--level": LEVEL_COLOURS[level] }}
              aria-pressed={now.level === level}
              title={t("filter.from", { n: level })}
              onClick={() => change({ level: now.level === level ? 0 : level })}
            >
              <b>{level === 4 ? "4" : `${level}+`}</b>
              <span class="n">{counts.byLevel.slice(level).reduce((a, b) => a + b, 0)}</span>
            </button>
          ))}
        </div>
        <select
          aria-label={t("filter.district")}
          value={now.district}
          onChange={(e) => change({ district: e.currentTarget.value })}
        >
          <option value="">{t("filter.everywhere")}</option>
          {counts.districts.map((code) => (
            <option key={code} value={code}>
              {placeName(code)}
            </option>
          ))}
        </select>
      </div>
    </form>
  );
}
