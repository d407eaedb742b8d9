/** Keys of the list. */

export type Key = "ArrowDown" | "ArrowUp" | "j" | "k" | "Home" | "End" | "PageDown" | "PageUp";

/** Which line a key leads to from one (-1: none), among so many; null where the key is none of the list's. */
export function step(key: Key, at: number, total: number, page: number): number | null {
  if (!total) return null;
  const within = (n: number): number => Math.max(0, Math.min(total - 1, n));
  switch (key) {
    case "ArrowDown":
    case "j":
      return within(at + 1);
    case "ArrowUp":
    case "k":
      return within(at < 0 ? 0 : at - 1);
    case "PageDown":
      return within(Math.max(at, 0) + page);
    case "PageUp":
      return within(at - page);
    case "Home":
      return 0;
    case "End":
      return total - 1;
    default:
      return null;
  }
}
