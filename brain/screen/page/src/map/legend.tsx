/** What marks and lines mean, and which layers are drawn. */

import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { DOMAINS } from "../api/types";
import { Mark } from "../ui/mark";
import { t, useLanguage } from "../words";
import { GROUPS, type Group } from "./basemap";
import type { City } from "./city";

export function Legend({ city }: { city: City }): VNode {
  useLanguage();
  const [open, setOpen] = useState(true);
  const [there, setThere] = useState<Group["id"][]>([]);
  const [off, setOff] = useState<ReadonlySet<string>>(new Set(GROUPS.filter((g) => !g.on).map((g) => g.id)));
  useEffect(() => {
    const see = (): void => setThere(city.groups());
    see();
    return city.onDressed(see);
  }, [city]);
  const toggle = (id: Group["id"]): void => {
    const next = new Set(off);
    const on = next.delete(id);
    if (!on) next.add(id);
    city.toggle(id, on);
    setOff(next);
  };
  return (
    <aside class={`legend ${open ? "" : "folded"}`} aria-label={t("legend.title")}>
      <button type="button" class="fold" aria-expanded={open} onClick={() => setOpen(!open)}>
        {t("legend.title")}
      </button>
      {open && (
        <>
          <ul class="shapes" aria-label={t("filter.domain")}>
            {DOMAINS.map((domain) => (
              <li key={domain}>
                <Mark domain={domain} />
                {t(`domain.${domain}`)}
              </li>
            ))}
          </ul>
          <ul class="levels" aria-label={t("filter.level")}>
            {[4, 3, 2, 1, 0].map((level) => (
              <li key={level}>
                <Mark domain="social" level={level} />
                {t(`colour.${level as 0 | 1 | 2 | 3 | 4}`)}
              </li>
            ))}
            <li>
              <Mark domain="social" level={4} life />
              {t("legend.life")}
            </li>
            <li>
              <Mark domain="social" level={3} hollow />
              {t("legend.hollow")}
            </li>
          </ul>
          {there.length > 0 && (
            <ul class="layers" aria-label={t("legend.layers")}>
              {there.map((id) => (
                <li key={id}>
                  <label>
                    <input type="checkbox" checked={!off.has(id)} onChange={() => toggle(id)} />
                    <i class={`swatch ${id}`} aria-hidden="true" />
                    {t(`layer.${id}`)}
                  </label>
                </li>
              ))}
            </ul>
          )}
        </>
      )}
    </aside>
  );
}
