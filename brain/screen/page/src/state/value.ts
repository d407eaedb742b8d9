/** A value that can be watched: the page's only kind of state beside the board. */

import { useEffect, useState } from "preact/hooks";

export class Value<T> {
  private readonly watchers = new Set<(value: T) => void>();

  constructor(private current: T) {}

  get(): T {
    return this.current;
  }

  set(value: T): void {
    if (Object.is(value, this.current)) return;
    this.current = value;
    for (const watcher of [...this.watchers]) watcher(value);
  }

  /** Called with each new value from now on; what comes back ends it. */
  watch(watcher: (value: T) => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }
}

/** The value in a component, which is drawn again when it changes. */
export function useValue<T>(value: Value<T>): T {
  const [seen, see] = useState(() => value.get());
  useEffect(() => {
    see(() => value.get());
    return value.watch((next) => see(() => next));
  }, [value]);
  return seen;
}
