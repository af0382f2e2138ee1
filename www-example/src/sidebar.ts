/** The left column: who I am, and the conversations. */
import { ConsentState, isGroupUpdated, isText } from "xmtp-web";
import type { Chat, Conversation } from "./chat.js";
import { avatar, copy, h, icon, shortAddress, shortTime } from "./dom.js";
import { reconcile, type Item } from "./reconcile.js";
import { user } from "./identity.js";

export class Sidebar {
  readonly element: HTMLElement;
  readonly #list: HTMLUListElement;
  readonly #empty: HTMLElement;
  readonly #banner: HTMLElement;

  constructor(
    readonly chat: Chat,
    actions: { newGroup(): void; open(id: string): void },
  ) {
    const { address, client } = chat;
    this.#list = h("ul", { class: "conversations", "data-testid": "conversation-list", "aria-label": "Conversations" });
    this.#list.addEventListener("click", (event) => {
      const row = (event.target as Element).closest<HTMLElement>("[data-id]");
      if (row?.dataset["id"]) actions.open(row.dataset["id"]);
    });
    this.#empty = h(
      "div",
      { class: "empty", "data-testid": "no-conversations" },
      h("strong", {}, "No conversations yet"),
      h("p", {}, "Start a group with someone's address, or give them yours and wait for theirs."),
    );
    this.#banner = h("p", { class: "banner", role: "status", "data-testid": "connection" });
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
          user ? h("strong", { class: "account-name" }, user) : h("strong", { class: "account-name" }, "You"),
          copyLine("address", address, "Address"),
          copyLine("inbox-id", client.inboxId, "Inbox id"),
        ),
        h(
          "button",
          { class: "button button-primary button-round", type: "button", "data-testid": "new-group", "aria-label": "New group", title: "New group", onclick: actions.newGroup },
          icon("plus"),
        ),
      ),
      this.#banner,
      this.#list,
      this.#empty,
    );
  }

  render(): void {
    const { chat } = this;
    const conversations = chat.sorted();
    this.#empty.hidden = conversations.length > 0;
    const text = { connecting: "Fetching what is new…", offline: "No connection to the node. Trying again…", online: "" };
    this.#banner.textContent = text[chat.connection];
    this.#banner.dataset["state"] = chat.connection;
    const of = (state: ConsentState): Item[] =>
      conversations.filter(({ consent }) => consent === state).map((conversation) => this.#item(conversation));
    reconcile(this.#list, [
      ...under("Requests", of(ConsentState.Unknown)),
      ...of(ConsentState.Allowed),
      ...under("Kept out", of(ConsentState.Denied)),
    ]);
  }

  #item(conversation: Conversation): Item {
    const { chat } = this;
    const { group, unread, members, consent } = conversation;
    const title = chat.titleOf(conversation);
    const preview = this.#preview(conversation);
    const time = shortTime(conversation.messages.at(-1)?.sentAt ?? group.createdAt);
    const open = chat.openId === group.id;
    return {
      key: group.id,
      state: JSON.stringify([title, preview, time, unread, open, members.length, consent]),
      make: () => row(group.id, title, preview, time, unread, open, consent),
    };
  }

  #preview(conversation: Conversation): string {
    const { chat } = this;
    for (const message of [...conversation.messages].reverse()) {
      const text = chat.textOf(message);
      if (text === undefined) continue;
      if (isGroupUpdated(message) || !isText(message)) return text;
      return `${chat.nameOf(message.senderInboxId)}: ${text}`;
    }
    return "No messages yet";
  }
}

function copyLine(name: string, value: string, label: string): HTMLElement {
  return h(
    "button",
    {
      class: "copy-line",
      type: "button",
      title: `Copy ${label.toLowerCase()} ${value}`,
      "aria-label": `Copy ${label.toLowerCase()}`,
      "data-testid": `own-${name}`,
      "data-value": value,
      onclick: () => void copy(value, label),
    },
    h("span", { class: "copy-label" }, label),
    h("code", {}, shortAddress(value)),
    icon("copy"),
  );
}

/** Conversations under a heading, which is left out where there are none. */
function under(heading: string, items: Item[]): Item[] {
  if (items.length === 0) return [];
  const make = (): HTMLElement => h("li", { class: "list-heading" }, h("h3", {}, heading), h("span", {}, String(items.length)));
  return [{ key: `heading ${heading}`, state: String(items.length), make }, ...items];
}

function row(
  id: string,
  title: string,
  preview: string,
  time: string,
  unread: number,
  open: boolean,
  consent: ConsentState,
): HTMLElement {
  return h(
    "li",
    { "data-consent": ConsentState[consent]?.toLowerCase() },
    h(
      "button",
      { class: "conversation", type: "button", "data-id": id, "data-testid": "conversation", "aria-current": open ? "page" : undefined },
      avatar(id, initials(title)),
      h(
        "span",
        { class: "conversation-text" },
        h("span", { class: "conversation-title" }, title),
        h("span", { class: "conversation-last", "data-testid": "conversation-last" }, preview),
      ),
      h(
        "span",
        { class: "conversation-side" },
        h("span", { class: "conversation-time" }, time),
        unread > 0 && h("span", { class: "badge", "aria-label": `${unread} unread` }, unread > 99 ? "99+" : String(unread)),
      ),
    ),
  );
}

export function initials(title: string): string {
  if (title.startsWith("0x")) return title.slice(2, 4).toUpperCase();
  const words = title.split(/\s+/).filter(Boolean);
  return words.slice(0, 2).map((word) => [...word][0] ?? "").join("").toUpperCase() || "–";
}
