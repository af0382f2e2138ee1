/** What a search finds, in place of the list of conversations. */
import type { Chat } from "./chat.js";
import { avatar, h, initials, shortTime } from "./dom.js";
import { explain } from "./explain.js";
import { Roving } from "./roving.js";
import { DEPTH, search, type Found, type Hit } from "./search.js";

export class SearchResults {
  readonly element: HTMLElement;
  readonly #chat: Chat;
  readonly #list: HTMLUListElement;
  readonly #status: HTMLElement;
  readonly #progress: HTMLProgressElement;
  readonly #roving: Roving;
  #running: AbortController | undefined;

  constructor(chat: Chat, open: (conversationId: string, messageId?: string) => void) {
    this.#chat = chat;
    this.#list = h("ul", { class: "conversations", "aria-label": "Search results", "data-testid": "search-results" });
    this.#list.addEventListener("click", (event) => {
      const row = (event.target as Element).closest<HTMLElement>("[data-conversation]");
      if (row?.dataset["conversation"]) open(row.dataset["conversation"], row.dataset["message"]);
    });
    this.#roving = new Roving(this.#list, ".conversation");
    this.#status = h("p", { class: "note search-status", role: "status", "data-testid": "search-status" });
    this.#progress = h("progress", { "aria-label": "Searching", hidden: true });
    this.element = h("div", { class: "search-results", hidden: true }, this.#status, this.#progress, this.#list);
  }

  /** Ends the search before it. An empty text shows nothing. */
  async find(words: string): Promise<void> {
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    this.element.hidden = words === "";
    if (words === "") return;
    this.#status.textContent = "Searching…";
    this.#progress.hidden = false;
    this.#progress.value = 0;
    const named = this.#named(words);
    let last: Found | undefined;
    try {
      for await (const found of search(this.#chat, words, running.signal)) {
        if (running.signal.aborted) return;
        last = found;
        this.#progress.max = found.total;
        this.#progress.value = found.done;
        this.#show(named, found.hits, words);
      }
      if (running.signal.aborted) return;
      this.#show(named, last?.hits ?? [], words);
      this.#status.textContent = summary(named.length, last);
    } catch (error) {
      if (!running.signal.aborted) this.#status.textContent = explain(error);
    } finally {
      if (this.#running === running) this.#progress.hidden = true;
    }
  }

  /** Conversations that are called so, or have somebody in them who is. */
  #named(words: string): HTMLElement[] {
    const wanted = words.toLocaleLowerCase();
    return this.#chat.sorted().flatMap((conversation) => {
      const { id, members, peer } = conversation;
      const title = this.#chat.titleOf(conversation);
      const addresses = members.flatMap(({ accountIdentifiers }) => accountIdentifiers.map(({ identifier }) => identifier));
      if (![title, ...addresses].some((text) => text.toLocaleLowerCase().includes(wanted))) return [];
      return [row(id, id, undefined, title, peer === undefined ? `${members.length} members` : "Direct message", "")];
    });
  }

  #show(named: HTMLElement[], hits: Hit[], words: string): void {
    const heading = (text: string, count: number): HTMLElement =>
      h("li", { class: "list-heading" }, h("h2", {}, text), h("span", {}, String(count)));
    const messages = hits.map((hit) => {
      const { conversation, message } = hit;
      const title = this.#chat.titleOf(conversation);
      return row(message.id, conversation.id, message.id, title, snippet(this.#chat, hit, words), shortTime(message.sentAt));
    });
    this.#list.replaceChildren(
      ...(named.length > 0 ? [heading("Conversations", named.length), ...named] : []),
      ...(messages.length > 0 ? [heading("Messages", messages.length), ...messages] : []),
    );
    this.#roving.update();
  }
}

/** What was found, and in what it was looked for. */
function summary(conversations: number, found: Found | undefined): string {
  const hits = found?.hits.length ?? 0;
  const what = hits + conversations === 0 ? "Nothing found" : `${hits} ${hits === 1 ? "message" : "messages"} found`;
  const scope = found?.complete === false ? `the newest ${DEPTH.toLocaleString()} messages of each conversation` : "all messages";
  return `${what}. Searched ${scope} on this device; what it has not fetched yet is not among them.`;
}

function snippet(chat: Chat, { message, text, at }: Hit, words: string): HTMLElement {
  const name = `${chat.nameOf(message.senderInboxId)}: `;
  if (at < 0) return h("span", {}, name, text);
  const from = Math.max(0, at - 18);
  const end = at + words.length;
  return h("span", {}, name, from > 0 && "…", text.slice(from, at), h("mark", {}, text.slice(at, end)), text.slice(end, end + 80));
}

function row(id: string, conversation: string, message: string | undefined, title: string, last: HTMLElement | string, time: string): HTMLElement {
  return h(
    "li",
    {},
    h(
      "button",
      {
        class: "conversation",
        type: "button",
        "data-id": id,
        "data-conversation": conversation,
        "data-message": message,
        "data-testid": message === undefined ? "found-conversation" : "found-message",
      },
      avatar(conversation, initials(title)),
      h("span", { class: "conversation-text" }, h("span", { class: "conversation-title" }, title), h("span", { class: "conversation-last" }, last)),
      h("span", { class: "conversation-side" }, h("span", { class: "conversation-time" }, time)),
    ),
  );
}
