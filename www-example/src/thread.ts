/** The right column: one conversation, its messages and the box to write in. */
import { ConsentState, isGroupUpdated, type DecodedMessage } from "xmtp-web";
import { messageItem } from "./bubble.js";
import type { Chat, Conversation } from "./chat.js";
import { Composer } from "./composer.js";
import { duration } from "./describe.js";
import { avatar, dayName, h, icon, initials, toast } from "./dom.js";
import { explain } from "./explain.js";
import { reconcile, type Item } from "./reconcile.js";
import { Roving } from "./roving.js";

/** Messages of one sender closer than this are drawn as one block, milliseconds. */
const SAME_BLOCK_MS = 5 * 60_000;
/** How far from its end a list still follows what comes, pixels. */
const NEAR_END = 80;

export class Thread {
  readonly element: HTMLElement;
  readonly #title: HTMLElement;
  readonly #subtitle: HTMLElement;
  readonly #members: HTMLElement;
  readonly #avatar: HTMLElement;
  readonly #scroller: HTMLElement;
  readonly #log: HTMLElement;
  readonly #roving: Roving;
  readonly #earlier: HTMLButtonElement;
  readonly #newer: HTMLButtonElement;
  readonly #composer: Composer;
  readonly #notice: HTMLElement;
  readonly #paused: HTMLElement;
  readonly #request: HTMLElement;
  /** The message that was on top of the unread ones when this was opened. */
  #firstUnread: string | undefined;

  constructor(
    readonly chat: Chat,
    readonly conversation: Conversation,
    actions: { back(): void; details(): void },
  ) {
    this.#firstUnread = firstUnread(chat, conversation);
    this.#title = h("h2", { "data-testid": "thread-title" });
    this.#members = h("span", { "data-testid": "member-count" });
    this.#subtitle = h("span", {});
    this.#avatar = h("span", { class: "thread-avatar" });
    this.#log = h("div", { class: "log", role: "log", "aria-label": "Messages", "data-testid": "messages" });
    this.#roving = new Roving(this.#log, ".message", "last");
    this.#earlier = h("button", { class: "button button-quiet", type: "button", hidden: true, onclick: () => this.#showEarlier() }, "Show earlier messages");
    this.#newer = h(
      "button",
      { class: "button newer", type: "button", hidden: true, "data-testid": "newer", onclick: () => this.#toEnd() },
      "New messages",
    );
    this.#scroller = h(
      "div",
      { class: "scroller", role: "region", tabindex: 0, "aria-label": "Message history", onscroll: () => this.#atEnd() && (this.#newer.hidden = true) },
      this.#earlier,
      this.#log,
    );
    this.#composer = new Composer(chat, conversation, () => this.#toEnd());
    this.#paused = h("p", { class: "paused", role: "status", hidden: true, "data-testid": "paused" });
    this.#request = h("div", { class: "request", role: "group", "aria-label": "Decide about this conversation", hidden: true, "data-testid": "request" });
    this.#notice = h("p", { class: "composer-notice", hidden: true });
    const details = conversation.peer === undefined ? "Group details" : "Conversation details";
    this.element = h(
      "section",
      {
        class: "thread",
        "aria-label": "Conversation",
        "data-testid": "thread",
        "data-id": conversation.id,
        "data-kind": conversation.peer === undefined ? "group" : "dm",
        ondragover: (event: DragEvent) => event.dataTransfer?.types.includes("Files") && event.preventDefault(),
        ondrop: (event: DragEvent) => {
          const file = event.dataTransfer?.files[0];
          if (!file) return;
          event.preventDefault();
          if (!this.#composer.element.hidden) this.#composer.attach(file);
        },
      },
      h(
        "header",
        { class: "thread-header" },
        h("button", { class: "button button-quiet button-round only-phone", type: "button", "aria-label": "Back to conversations", "data-testid": "back", onclick: actions.back }, icon("back")),
        this.#avatar,
        h("div", { class: "thread-heading" }, this.#title, h("span", { class: "thread-subtitle" }, this.#members, this.#subtitle)),
        h("button", { class: "button button-quiet button-round", type: "button", "aria-label": details, title: details, "data-testid": "details", onclick: actions.details }, icon(conversation.peer === undefined ? "people" : "person")),
      ),
      this.#paused,
      h("div", { class: "history" }, this.#scroller, this.#newer),
      this.#request,
      this.#composer.element,
      this.#notice,
    );
  }

  focus(): void {
    this.#composer.placed();
    this.#toEnd();
    // On a phone this would open the keyboard over the messages.
    if (matchMedia("(pointer: fine)").matches && !this.#composer.element.hidden) this.#composer.focus();
    else this.#scroller.focus({ preventScroll: true });
  }

  /** Leaves the page. */
  close(): void {
    this.element.remove();
  }

  /** Scrolls to a message, which is loaded if need be. */
  async reveal(messageId: string): Promise<void> {
    const found = await this.chat.client.conversations.getMessageById(messageId);
    if (found === undefined || this.chat.ofGroup(found.conversationId) !== this.conversation) return toast("That message is not on this device any more.");
    await this.chat.showUntil(this.conversation, found.sentAtNs);
    this.render();
    const row = this.#log.querySelector<HTMLElement>(`[data-id="${CSS.escape(messageId)}"]`);
    row?.scrollIntoView({ block: "center" });
    row?.focus({ preventScroll: true });
    row?.classList.add("revealed");
    row?.addEventListener("animationend", () => row.classList.remove("revealed"), { once: true });
  }

  render(): void {
    const { chat, conversation } = this;
    const title = chat.titleOf(conversation);
    if (this.#title.textContent !== title) {
      this.#title.textContent = title;
      this.#avatar.replaceChildren(avatar(conversation.id, initials(title), true));
    }
    const count = conversation.members.length;
    const { peer } = conversation;
    this.#members.textContent = peer !== undefined ? "Direct message" : `${count} ${count === 1 ? "member" : "members"}`;
    const { consent, pausedForVersion, disappearsAfterNs } = conversation;
    const more = disappearsAfterNs > 0n ? ` · messages disappear after ${duration(disappearsAfterNs)}` : " · end-to-end encrypted";
    if (this.#subtitle.textContent !== more) this.#subtitle.textContent = more;
    // On a phone there is no room for what is always so.
    this.#subtitle.className = disappearsAfterNs > 0n ? "" : "wide";
    this.#earlier.hidden = conversation.messages.length < conversation.limit;
    this.#paused.hidden = pausedForVersion === undefined;
    const paused =
      `This conversation needs version ${pausedForVersion} of the protocol, this app has ${chat.client.libxmtpVersion}. ` +
      "Nothing new is shown and nothing can be sent until you update; nothing is lost meanwhile.";
    if (!this.#paused.hidden && this.#paused.textContent !== paused) this.#paused.textContent = paused;
    if (this.#request.dataset["consent"] !== String(consent)) this.#ask(consent);
    this.#composer.element.hidden = !conversation.active || pausedForVersion !== undefined || consent === ConsentState.Denied || chat.ended !== undefined;
    this.#notice.hidden = conversation.active;
    this.#notice.textContent = `You are no longer a member of this ${peer === undefined ? "group" : "conversation"}. What was written before stays on this device.`;

    const atEnd = this.#atEnd();
    const newest = this.#log.lastElementChild;
    reconcile(this.#log, this.#items());
    this.#roving.update();
    if (atEnd) this.#toEnd();
    else if (newest !== null && newest.isConnected && this.#log.lastElementChild !== newest) this.#newer.hidden = false;
  }

  #atEnd(): boolean {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_END;
  }

  #toEnd(): void {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#newer.hidden = true;
  }

  /** What was on screen stays where it is. */
  #showEarlier(): void {
    const { scrollHeight, scrollTop } = this.#scroller;
    void this.chat.showEarlier(this.conversation).then(
      () => {
        this.render();
        this.#scroller.scrollTop = scrollTop + this.#scroller.scrollHeight - scrollHeight;
      },
      (error: unknown) => toast(explain(error), "error"),
    );
  }

  /** The question that a request is, or what a denial can be taken back with. */
  #ask(consent: ConsentState): void {
    const { chat, conversation } = this;
    const button = (label: string, id: string, state: ConsentState, primary: boolean): HTMLElement =>
      h(
        "button",
        {
          class: primary ? "button button-primary" : "button",
          type: "button",
          "data-testid": id,
          onclick: () => void chat.decide(conversation, state).catch((error: unknown) => toast(explain(error), "error")),
        },
        label,
      );
    this.#request.dataset["consent"] = String(consent);
    this.#request.hidden = consent === ConsentState.Allowed;
    const denied = consent === ConsentState.Denied;
    const by = chat.nameOf(conversation.group.addedByInboxId);
    this.#request.replaceChildren(
      h("p", {}, denied ? "You keep this conversation out. Nobody is told." : conversation.peer === undefined ? `${by} added you, and you have not answered yet. Let them in?` : `${by} wrote to you for the first time. Let them in?`),
      h(
        "div",
        { class: "request-actions" },
        ...(denied ? [] : [button("Deny", "deny", ConsentState.Denied, false)]),
        button("Allow", "allow", ConsentState.Allowed, true),
      ),
    );
  }

  #items(): Item[] {
    const { chat, conversation } = this;
    const items: Item[] = [];
    let previous: DecodedMessage | undefined;
    let day = "";
    for (const message of conversation.messages) {
      const text = chat.textOf(message);
      if (text === undefined) continue;
      const name = dayName(message.sentAt);
      if (name !== day) {
        day = name;
        previous = undefined;
        items.push({ key: `day ${message.sentAt.toDateString()}`, state: name, make: () => h("div", { class: "row day" }, h("span", {}, name)) });
      }
      if (message.id === this.#firstUnread) {
        previous = undefined;
        items.push({ key: "unread", state: "", make: () => h("div", { class: "row unread-line" }, h("span", {}, "New")) });
      }
      if (isGroupUpdated(message)) {
        items.push({ key: message.id, state: text, make: () => h("div", { class: "row transcript", "data-testid": "transcript" }, text) });
        previous = undefined;
        continue;
      }
      const first =
        previous?.senderInboxId !== message.senderInboxId ||
        message.sentAt.getTime() - previous.sentAt.getTime() > SAME_BLOCK_MS;
      items.push(messageItem(chat, conversation, message, text, first, () => this.#composer.replyWith(message)));
      previous = message;
    }
    if (items.length === 0) {
      items.push({
        key: "empty",
        state: "",
        make: () => h("div", { class: "row empty" }, icon("lock"), h("strong", {}, "Nothing here yet"), h("p", {}, conversation.peer === undefined ? "Only the members of this group can read what is written here." : "Only the two of you can read what is written here.")),
      });
    }
    return items;
  }
}

function firstUnread(chat: Chat, { id, messages, unread }: Conversation): string | undefined {
  if (unread === 0) return undefined;
  const read = chat.memory.readUpTo(id);
  // Where nothing was read everything is new: a line would say nothing.
  if (read === 0n) return undefined;
  return messages.find((message) => message.insertedAtNs > read && !chat.isOwn(message) && !isGroupUpdated(message))?.id;
}
