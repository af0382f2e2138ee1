/** The strip above everything: how the page is connected, how far the first fetch is, and when it must be reloaded. */
import type { Chat } from "./chat.js";
import { h } from "./dom.js";
import { explain } from "./explain.js";

export class Notices {
  readonly element: HTMLElement;
  readonly #text: HTMLElement;
  readonly #count: HTMLElement;
  readonly #progress: HTMLProgressElement;
  readonly #button: HTMLButtonElement;
  readonly #chat: Chat;

  constructor(chat: Chat) {
    this.#chat = chat;
    this.#text = h("span", { class: "banner-text" });
    // Not told with each step: a screen reader would speak of nothing else.
    this.#count = h("span", { class: "banner-count", "aria-live": "off", "data-testid": "fetched" });
    this.#progress = h("progress", { "aria-label": "Conversations fetched", "data-testid": "progress" });
    this.#button = h("button", { class: "button button-small", type: "button", "data-testid": "banner-action", onclick: () => this.#act() });
    this.element = h("div", { class: "banner", role: "status", "data-testid": "connection" }, this.#text, this.#count, this.#progress, this.#button);
  }

  render(): void {
    const { connection, ended } = this.#chat;
    const { progress } = connection;
    const state = ended ? "ended" : connection.state;
    const fetching = state === "connecting" && progress !== undefined && progress.total > 0;
    const text = {
      ended: ended ? explain(ended) : "",
      connecting: fetching ? "Fetching messages" : "Fetching what is new…",
      offline: "No connection to the node. What you write is kept, and sent when it is back.",
      online: "",
    }[state];
    this.element.dataset["state"] = state;
    this.element.hidden = state === "online";
    if (this.#text.textContent !== text) this.#text.textContent = text;
    this.#count.hidden = this.#progress.hidden = !fetching;
    if (fetching) {
      this.#count.textContent = `${progress.done} of ${progress.total} ${progress.total === 1 ? "conversation" : "conversations"}`;
      this.#progress.max = progress.total;
      this.#progress.value = progress.done;
    }
    this.#button.hidden = state !== "ended" && state !== "offline";
    this.#button.textContent = state === "ended" ? "Reload" : "Try now";
  }

  #act(): void {
    if (this.#chat.ended) location.reload();
    else this.#chat.connection.retryNow();
  }
}
