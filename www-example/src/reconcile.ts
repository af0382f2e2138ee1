/** Makes a parent's children match a list, keeping every element whose key and state have not changed. */
export interface Item {
  key: string;
  /** Everything the element shows; a change makes a new element. */
  state: string;
  make(): HTMLElement;
}

const made = new WeakMap<Element, { key: string; state: string }>();

export function reconcile(parent: Element, items: Item[]): void {
  const old = new Map<string, Element>();
  for (const child of [...parent.children]) {
    const about = made.get(child);
    if (about) old.set(about.key, child);
    else child.remove();
  }
  const active = document.activeElement;
  const focusedRow = active?.closest("li, .row");
  const focused = made.get(focusedRow ?? parent)?.key;
  let previous: Element | null = null;
  for (const item of items) {
    let element = old.get(item.key);
    const fits = element !== undefined && made.get(element)?.state === item.state;
    if (!fits) {
      const fresh = item.make();
      made.set(fresh, { key: item.key, state: item.state });
      element?.replaceWith(fresh);
      element = fresh;
    }
    old.delete(item.key);
    const place: Element | null = previous ? previous.nextElementSibling : parent.firstElementChild;
    if (place !== element) parent.insertBefore(element as Element, place);
    if (!fits && focused === item.key) {
      const id = active === focusedRow ? undefined : active?.getAttribute("data-testid");
      const same = id ? element?.querySelector<HTMLElement>(`[data-testid="${id}"]`) : undefined;
      const row = element?.hasAttribute("tabindex") ? (element as HTMLElement) : element?.querySelector<HTMLElement>("button");
      (same ?? row)?.focus();
    }
    previous = element as Element;
  }
  for (const gone of old.values()) gone.remove();
}
