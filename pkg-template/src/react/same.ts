/** Keeps the objects of before where nothing of them has changed, so that what is rendered of them need not be again. */

/** Whether two plain values are alike in all their parts. Functions always are. @internal */
export function isAlike(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one === "function" && typeof other === "function") return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  const names = Object.keys(one);
  if (names.length !== Object.keys(other).length) return false;
  return names.every((name) => isAlike((one as Record<string, unknown>)[name], (other as Record<string, unknown>)[name]));
}

/** The new list with the old objects in it; the old list itself when all of it is as it was. @internal */
export function kept<T>(before: readonly T[], now: T[], nameOf: (item: T) => string, isSame: (one: T, other: T) => boolean): T[] {
  const old = new Map(before.map((item) => [nameOf(item), item]));
  const list = now.map((item) => {
    const found = old.get(nameOf(item));
    return found !== undefined && isSame(found, item) ? found : item;
  });
  return list.length === before.length && list.every((item, index) => item === before[index]) ? (before as T[]) : list;
}
