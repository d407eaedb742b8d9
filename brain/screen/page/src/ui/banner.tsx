/** What is wrong with what is seen: the connection lost, the chain late. Said in words, and to screen readers at once. */

import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import { late, lostSince, pulse, replayAt } from "../state/app";
import { cityNow, clockTime, second } from "../state/clock";
import { useValue } from "../state/value";
import { t, useLanguage } from "../words";
import { span } from "../words/span";

export function Banner(): VNode {
  useLanguage();
  useValue(second);
  const lost = useValue(lostSince);
  const behind = useValue(late);
  const last = useValue(pulse);
  const past = useValue(replayAt);
  useEffect(() => {
    document.documentElement.classList.toggle("late", behind);
  }, [behind]);
  const seen = last ? clockTime(last.pulse.t) : "–";
  return (
    <div class="banners">
      {/* The changing seconds are outside of what is read aloud: once is enough. */}
      <div role="alert">
        {lost !== null && <p class="banner lost">{t("banner.lost", { since: clockTime(lost) })}</p>}
        {behind && <p class="banner late">{t("banner.late", { seen })}</p>}
      </div>
      {lost !== null && past === null && (
        <p class="ago" aria-hidden="true">
          {t("banner.ago", { span: span(Date.now() - lost) })}
        </p>
      )}
      {behind && lost === null && last && (
        <p class="ago" aria-hidden="true">
          {t("banner.ago", { span: span(cityNow() - last.pulse.t) })}
        </p>
      )}
    </div>
  );
}
