/** A button that opens a menu: arrows move, Escape and a click beside it close, focus goes back to the button. */
import { h, icon } from "./dom.js";

export interface MenuItem {
  id: string;
  label: string;
  danger?: boolean;
  run(): void;
}

export function menuButton(label: string, testId: string, items: MenuItem[]): HTMLElement {
  const menu = h(
    "div",
    { class: "menu", role: "menu", "aria-label": label, popover: "auto" },
    ...items.map((item) =>
      h(
        "button",
        {
          class: item.danger ? "menu-item menu-danger" : "menu-item",
          type: "button",
          role: "menuitem",
          tabindex: -1,
          "data-testid": item.id,
          onclick: () => {
            menu.hidePopover();
            item.run();
          },
        },
        item.label,
      ),
    ),
  );
  const button = h(
    "button",
    {
      class: "button button-quiet button-round",
      type: "button",
      "aria-label": label,
      title: label,
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      "data-testid": testId,
      onclick: () => menu.togglePopover(),
    },
    icon("more"),
  );
  menu.addEventListener("toggle", (event) => {
    const open = (event as ToggleEvent).newState === "open";
    button.setAttribute("aria-expanded", String(open));
    if (!open) return;
    place(menu, button);
    menu.querySelector("button")?.focus();
  });
  menu.addEventListener("keydown", (event) => {
    const rows = [...menu.querySelectorAll("button")];
    const at = rows.indexOf(document.activeElement as HTMLButtonElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (event.key === "Tab") menu.hidePopover();
    if (to === undefined) return;
    event.preventDefault();
    rows.at(to % rows.length)?.focus();
  });
  return h("div", { class: "menu-anchor" }, button, menu);
}

/** Below the button and within the window. */
function place(menu: HTMLElement, button: HTMLElement): void {
  const at = button.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = menu;
  const below = at.bottom + 4 + offsetHeight <= innerHeight - 8;
  menu.style.top = `${below ? at.bottom + 4 : Math.max(8, at.top - 4 - offsetHeight)}px`;
  menu.style.left = `${Math.max(8, Math.min(at.right - offsetWidth, innerWidth - offsetWidth - 8))}px`;
}
