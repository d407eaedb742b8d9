/** Everything the page says, in both languages. Words are in tables of JSON, one a part of the page. */

import type { Text } from "../api/types";
import { Value, useValue } from "../state/value";
import core from "./core.json";
import domains from "./domains.json";
import panel from "./panel.json";
import replay from "./replay.json";

const WORDS = { ...core, ...panel, ...domains, ...replay };
export type Word = keyof typeof WORDS;
export type Language = "zh" | "en";

const KEY = "brain.language";

function first(): Language {
  const asked = new URLSearchParams(location.search).get("lang") ?? localStorage.getItem(KEY);
  return asked === "en" ? "en" : "zh";
}

export const language = new Value<Language>(first());

/** Choose a language and remember it in this browser. */
export function speak(chosen: Language): void {
  localStorage.setItem(KEY, chosen);
  language.set(chosen);
}

/** A word in the language in force; ``{name}`` in it is filled from ``values``. */
export function t(word: Word, values?: Record<string, string | number>): string {
  const text: string = WORDS[word][language.get()];
  return values ? text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole)) : text;
}

/** A word whose key is put together from what the server sent; ``fallback`` where the page does not know it. */
export function tOf(prefix: string, value: string, fallback = value): string {
  const key = `${prefix}.${value}`;
  return key in WORDS ? t(key as Word) : fallback;
}

/** A text of the server's in the language in force, or in the other where it lacks one. */
export function say(text: Text | undefined, fallback = ""): string {
  if (!text) return fallback;
  return text[language.get()] || text.zh || text.en || fallback;
}

/** Draws a component again when the language changes. */
export const useLanguage = (): Language => useValue(language);
