/** Signing in: an account of the demo, or a token of the city's own login. */

import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError } from "../api/client";
import type { DemoAccount } from "../api/types";
import { lostSince } from "../state/app";
import { demoAccounts, takeAccount, takeToken } from "../state/session";
import { useValue } from "../state/value";
import { say, speak, t, tOf, useLanguage } from "../words";

export function SignIn(): VNode {
  const language = useLanguage();
  const unreachable = useValue(lostSince) !== null;
  const [accounts, setAccounts] = useState<DemoAccount[] | null>(null);
  const [wrong, setWrong] = useState("");
  const [token, setToken] = useState("");
  useEffect(() => {
    demoAccounts().then(setAccounts, () => setAccounts(null));
  }, [unreachable]);
  const attempt = (act: Promise<void>): void => {
    act.catch((error: unknown) => setWrong(error instanceof ApiError ? error.message : t("signin.unreachable")));
  };
  return (
    <main class="signin">
      <div class="card">
        <h1>{t("app.title")}</h1>
        <p class="lead">{t("app.purpose")}</p>
        {unreachable && <p role="alert" class="wrong">{t("signin.unreachable")}</p>}
        {accounts && accounts.length > 0 && (
          <section aria-labelledby="demo-title">
            <h2 id="demo-title">{t("signin.demo")}</h2>
            <ul class="accounts">
              {accounts.map((a) => (
                <li key={a.id}>
                  <button type="button" onClick={() => attempt(takeAccount(a.id))}>
                    <b>{say(a.title, a.id)}</b>
                    <span>{`${tOf("role", a.role)} · ${a.id}`}</span>
                  </button>
                </li>
              ))}
            </ul>
          </section>
        )}
        {!accounts?.length && (
          <form
            onSubmit={(e) => {
              e.preventDefault();
              attempt(takeToken(token.trim()));
            }}
          >
            <p>{t("signin.how")}</p>
            <label for="token">{t("signin.token")}</label>
            <textarea
              id="token"
              rows={4}
              spellcheck={false}
              autocomplete="off"
              value={token}
              onInput={(e) => setToken(e.currentTarget.value)}
            />
            <button type="submit" disabled={!token.trim()}>
              {t("signin.enter")}
            </button>
          </form>
        )}
        {wrong && (
          <p role="alert" class="wrong">
            {wrong}
          </p>
        )}
        <button
          type="button"
          class="other"
          lang={language === "zh" ? "en" : "zh-CN"}
          onClick={() => speak(language === "zh" ? "en" : "zh")}
        >
          {language === "zh" ? "English" : "中文"}
        </button>
      </div>
    </main>
  );
}
