/** The left column: who I am, what I look for, and the conversations. */
import { ConsentState } from "xmtp-web";
import type { Chat } from "./chat.js";
import { conversationItem } from "./conversation-row.js";
import { avatar, copy, h, icon, shortAddress, spoken } from "./dom.js";
import { user } from "./identity.js";
import { reconcile, type Item } from "./reconcile.js";
import { Roving } from "./roving.js";
import { SearchResults } from "./search-results.js";

/** How long nothing is typed before a search begins, milliseconds. */
const PAUSE_MS = 150;

export class Sidebar {
  readonly element: HTMLElement;
  readonly #list: HTMLUListElement;
  readonly #roving: Roving;
  readonly #empty: HTMLElement;
  readonly #tabs: HTMLElement;
  readonly #search: HTMLInputElement;
  readonly #results: SearchResults;
  #pause: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly chat: Chat,
    actions: { start(): void; open(id: string, messageId?: string): void },
  ) {
    const { address, client } = chat;
    this.#list = h("ul", { class: "conversations", "data-testid": "conversation-list", "aria-label": "Conversations" });
    this.#list.addEventListener("click", (event) => {
      const row = (event.target as Element).closest<HTMLElement>("[data-id]");
      if (row?.dataset["id"]) actions.open(row.dataset["id"]);
    });
    this.#roving = new Roving(this.#list, ".conversation");
    this.#empty = h(
      "div",
      { class: "empty", "data-testid": "no-conversations" },
      icon("chat"),
      h("strong", {}, "No conversations yet"),
      h("p", {}, "Write to someone by their address, or give them yours and wait for theirs."),
      h("button", { class: "button button-primary", type: "button", "data-testid": "first-conversation", onclick: actions.start }, icon("plus"), "New conversation"),
      h("button", { class: "button", type: "button", onclick: () => void copy(address, "Address") }, icon("copy"), "Copy my address"),
    );
    this.#tabs = h("p", { class: "note account-foot", role: "status", hidden: true, "data-testid": "other-tab" });
    this.#results = new SearchResults(chat, actions.open);
    this.#search = h("input", {
      type: "search",
      placeholder: "Search messages on this device",
      "aria-label": "Search messages on this device",
      autocomplete: "off",
      enterkeyhint: "search",
      "data-testid": "search",
      oninput: () => {
        clearTimeout(this.#pause);
        this.#pause = setTimeout(() => this.#find(), PAUSE_MS);
      },
      onkeydown: (event: KeyboardEvent) => {
        if (event.key === "Escape") this.#search.value = "";
        if (event.key === "Escape" || event.key === "Enter") this.#find();
        if (event.key !== "ArrowDown") return;
        event.preventDefault();
        this.element.querySelector<HTMLElement>('.conversation[tabindex="0"]:not([hidden] *)')?.focus();
      },
    });
    this.element = h(
      "nav",
      { class: "sidebar", "aria-label": "Conversations and account" },
      h(
        "header",
        { class: "account" },
        avatar(client.inboxId, (user || address.slice(2)).slice(0, 2).toUpperCase()),
        h(
          "div",
          { class: "account-text" },
          h("strong", { class: "account-name" }, user || "You"),
          copyLine("address", address, "Address"),
          copyLine("inbox-id", client.inboxId, "Inbox id"),
        ),
        h(
          "button",
          { class: "button button-primary button-round", type: "button", "data-testid": "new-conversation", "aria-label": "New conversation", title: "New conversation", onclick: actions.start },
          icon("plus"),
        ),
      ),
      h("div", { class: "search", role: "search" }, icon("search"), this.#search),
      this.#results.element,
      this.#list,
      this.#empty,
      this.#tabs,
    );
  }

  render(): void {
    const { chat } = this;
    const conversations = chat.sorted();
    const of = (state: ConsentState): Item[] =>
      conversations.filter(({ consent }) => consent === state).map((conversation) => conversationItem(chat, conversation));
    const requests = of(ConsentState.Unknown);
    const allowed = of(ConsentState.Allowed);
    reconcile(this.#list, [
      ...under("Requests", requests),
      // Without the heading they would read as requests too.
      ...(requests.length > 0 ? under("Conversations", allowed) : allowed),
      ...under("Kept out", of(ConsentState.Denied)),
    ]);
    this.#roving.update();
    const other = chat.client.tabRole === "follower" ? "Also open in another tab, which keeps the connection for both." : "";
    if (this.#tabs.textContent !== other) this.#tabs.textContent = other;
    this.#tabs.hidden = other === "";
    this.#showList();
  }

  /** Puts the keyboard back on a conversation that was left. */
  focusOn(id: string): void {
    const row = this.#list.querySelector<HTMLElement>(`[data-id="${CSS.escape(id)}"]`);
    if (row?.offsetParent) row.focus();
  }

  #find(): void {
    clearTimeout(this.#pause);
    void this.#results.find(this.#search.value.trim());
    this.#showList();
  }

  #showList(): void {
    const searching = !this.#results.element.hidden;
    const nothing = this.chat.conversations.size === 0;
    this.#list.hidden = searching || nothing;
    this.#empty.hidden = searching || !nothing || this.chat.connection.state === "connecting";
  }
}

function copyLine(name: string, value: string, label: string): HTMLElement {
  return h(
    "button",
    {
      class: "copy-line",
      type: "button",
      title: `Copy ${label.toLowerCase()} ${value}`,
      "data-testid": `own-${name}`,
      "data-value": value,
      onclick: () => void copy(value, label),
    },
    h("span", { class: "copy-label" }, label),
    " ",
    h("code", {}, shortAddress(value)),
    spoken(", copy"),
    icon("copy"),
  );
}

/** Conversations under a heading, which is left out where there are none. */
function under(heading: string, items: Item[]): Item[] {
  if (items.length === 0) return [];
  const make = (): HTMLElement => h("li", { class: "list-heading" }, h("h2", {}, heading), h("span", {}, String(items.length)));
  return [{ key: `heading ${heading}`, state: String(items.length), make }, ...items];
}
