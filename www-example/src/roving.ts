/** One tab stop for a whole list: arrows, Home and End move within it, Tab goes into the current row and out. */
export class Roving {
  readonly #container: HTMLElement;
  readonly #selector: string;
  readonly #start: "first" | "last";
  #currentKey: string | undefined;

  /** Rows are told apart by `data-id`. */
  constructor(container: HTMLElement, selector: string, start: "first" | "last" = "first") {
    this.#container = container;
    this.#selector = selector;
    this.#start = start;
    container.addEventListener("keydown", (event) => this.#move(event));
    container.addEventListener("focusin", (event) => {
      const row = (event.target as Element).closest<HTMLElement>(this.#selector);
      if (row) this.#choose(row);
    });
  }

  /** After every change of the rows. */
  update(): void {
    const rows = this.#rows();
    const current =
      rows.find((row) => row.dataset["id"] === this.#currentKey) ??
      rows.find((row) => row.hasAttribute("aria-current")) ??
      (this.#start === "first" ? rows[0] : rows.at(-1));
    for (const row of rows) setReachable(row, row === current);
  }

  #rows(): HTMLElement[] {
    return [...this.#container.querySelectorAll<HTMLElement>(this.#selector)];
  }

  #choose(chosen: HTMLElement): void {
    this.#currentKey = chosen.dataset["id"];
    for (const row of this.#rows()) setReachable(row, row === chosen);
  }

  #move(event: KeyboardEvent): void {
    const rows = this.#rows();
    const at = rows.indexOf(event.target as HTMLElement);
    if (at < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const row = rows[Math.max(0, Math.min(rows.length - 1, to))];
    row?.focus();
    row?.scrollIntoView({ block: "nearest" });
  }
}

function setReachable(row: HTMLElement, reachable: boolean): void {
  row.tabIndex = reachable ? 0 : -1;
  for (const button of row.querySelectorAll<HTMLElement>("button, a")) button.tabIndex = reachable ? 0 : -1;
}
