/** The right column: one conversation, its messages and the box to write in. */
import { ConsentState, isDeletedMessage, isGroupUpdated, isText, isTextReply, type DecodedMessage } from "xmtp-web";
import { explain, type Chat, type Conversation, type Delivery } from "./chat.js";
import { avatar, clock, dayName, h, icon, toast } from "./dom.js";
import { quote, quoteOf, reactionBar, reactionsOf, toolbar } from "./message-parts.js";
import { reconcile, type Item } from "./reconcile.js";
import { initials } from "./sidebar.js";

/** Messages of one sender closer than this are drawn as one block, milliseconds. */
const SAME_BLOCK_MS = 5 * 60_000;

export class Thread {
  readonly element: HTMLElement;
  readonly #title: HTMLElement;
  readonly #members: HTMLElement;
  readonly #avatar: HTMLElement;
  readonly #scroller: HTMLElement;
  readonly #log: HTMLElement;
  readonly #earlier: HTMLButtonElement;
  readonly #input: HTMLTextAreaElement;
  readonly #send: HTMLButtonElement;
  readonly #composer: HTMLFormElement;
  readonly #notice: HTMLElement;
  readonly #replying: HTMLElement;
  readonly #paused: HTMLElement;
  readonly #request: HTMLElement;
  #replyTo: DecodedMessage | undefined;

  constructor(
    readonly chat: Chat,
    readonly conversation: Conversation,
    actions: { back(): void; details(): void },
  ) {
    this.#title = h("h2", { "data-testid": "thread-title" });
    this.#members = h("span", { "data-testid": "member-count" });
    const subtitle = h("span", { class: "thread-subtitle" }, this.#members, h("span", { class: "wide" }, " · end-to-end encrypted"));
    this.#avatar = h("span");
    this.#log = h("div", { class: "log", role: "log", "aria-label": "Messages", "data-testid": "messages" });
    this.#earlier = h(
      "button",
      { class: "button button-quiet", type: "button", hidden: true, onclick: () => void chat.showEarlier(conversation) },
      "Show earlier messages",
    );
    this.#scroller = h("div", { class: "scroller", tabindex: 0, "aria-label": "Message history" }, this.#earlier, this.#log);
    this.#input = h("textarea", {
      rows: 1,
      placeholder: "Write a message",
      "aria-label": "Message",
      "data-testid": "message-input",
      enterkeyhint: "send",
      oninput: () => this.#grow(),
      onkeydown: (event: KeyboardEvent) => {
        if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
        event.preventDefault();
        this.#composer.requestSubmit();
      },
    });
    this.#send = h(
      "button",
      { class: "button button-primary button-round", type: "submit", "aria-label": "Send", "data-testid": "send", disabled: true },
      icon("send"),
    );
    this.#composer = h(
      "form",
      {
        class: "composer",
        onsubmit: (event: SubmitEvent) => {
          event.preventDefault();
          void this.#submit();
        },
      },
      this.#input,
      this.#send,
    );
    this.#paused = h("p", { class: "paused", role: "status", hidden: true, "data-testid": "paused" });
    this.#request = h("div", { class: "request", role: "group", "aria-label": "Decide about this conversation", hidden: true, "data-testid": "request" });
    this.#replying = h("div", { class: "replying", hidden: true, "data-testid": "replying" });
    this.#notice = h("p", { class: "composer-notice", hidden: true });
    this.element = h(
      "section",
      { class: "thread", "aria-label": "Conversation", "data-testid": "thread", "data-id": conversation.group.id },
      h(
        "header",
        { class: "thread-header" },
        h("button", { class: "button button-quiet button-round only-phone", type: "button", "aria-label": "Back to conversations", "data-testid": "back", onclick: actions.back }, icon("back")),
        this.#avatar,
        h("div", { class: "thread-heading" }, this.#title, subtitle),
        h("button", { class: "button button-quiet button-round", type: "button", "aria-label": "Group details", title: "Group details", "data-testid": "details", onclick: actions.details }, icon("people")),
      ),
      this.#paused,
      this.#scroller,
      this.#request,
      this.#replying,
      this.#composer,
      this.#notice,
    );
  }

  focus(): void {
    // On a phone this would open the keyboard over the messages.
    if (matchMedia("(pointer: fine)").matches) this.#input.focus();
  }

  render(): void {
    const { chat, conversation } = this;
    const title = chat.titleOf(conversation);
    if (this.#title.textContent !== title) {
      this.#title.textContent = title;
      this.#avatar.replaceChildren(avatar(conversation.group.id, initials(title)));
    }
    const count = conversation.members.length;
    this.#members.textContent = `${count} ${count === 1 ? "member" : "members"}`;
    this.#earlier.hidden = conversation.messages.length < conversation.limit;
    const { consent, pausedForVersion } = conversation;
    this.#paused.hidden = pausedForVersion === undefined;
    this.#paused.textContent =
      `This group needs version ${pausedForVersion} of the protocol, this app has ${chat.client.libxmtpVersion}. ` +
      "Nothing new is shown and nothing can be sent until you update; nothing is lost meanwhile.";
    if (this.#request.dataset["consent"] !== String(consent)) this.#ask(consent);
    this.#composer.hidden = !conversation.active || pausedForVersion !== undefined || consent === ConsentState.Denied;
    this.#notice.hidden = conversation.active;
    this.#notice.textContent = "You are no longer a member of this group.";

    const scroller = this.#scroller;
    const atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
    reconcile(this.#log, this.#items());
    if (atEnd) scroller.scrollTop = scroller.scrollHeight;
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
    this.#request.replaceChildren(
      h("p", {}, denied ? "You keep this conversation out." : "Somebody you have not answered yet added you. Let them in?"),
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
      if (isGroupUpdated(message)) {
        items.push({ key: message.id, state: text, make: () => h("div", { class: "row transcript", "data-testid": "transcript" }, text) });
        previous = undefined;
        continue;
      }
      const own = chat.isOwn(message);
      const first =
        previous?.senderInboxId !== message.senderInboxId ||
        message.sentAt.getTime() - previous.sentAt.getTime() > SAME_BLOCK_MS;
      const delivery = own ? chat.delivery(conversation, message) : undefined;
      const sender = chat.nameOf(message.senderInboxId);
      const quoted = quoteOf(chat, message);
      const reactions = reactionsOf(chat, message);
      const removable = chat.canRemove(conversation, message);
      const removed = isDeletedMessage(message);
      items.push({
        key: message.id,
        state: JSON.stringify([text, first, delivery, sender, quoted, reactions, removable, removed]),
        make: () => this.#bubble(message, text, sender, first, delivery),
      });
      previous = message;
    }
    if (items.length === 0) {
      items.push({
        key: "empty",
        state: "",
        make: () => h("div", { class: "row empty" }, icon("lock"), h("strong", {}, "Nothing here yet"), h("p", {}, "Only the members of this group can read what is written here.")),
      });
    }
    return items;
  }

  #bubble(message: DecodedMessage, text: string, sender: string, first: boolean, delivery: Delivery | undefined): HTMLElement {
    const own = delivery !== undefined;
    const time = clock(message.sentAt);
    const removed = isDeletedMessage(message);
    const quoted = quoteOf(this.chat, message);
    const plain = isText(message) || isTextReply(message);
    const replies = message.numReplies > 0n && `${message.numReplies} ${message.numReplies === 1n ? "reply" : "replies"}`;
    return h(
      "article",
      {
        class: `row message ${own ? "own" : "other"}${first ? " first" : ""}`,
        "data-testid": "message",
        "data-id": message.id,
        "data-own": own,
        "data-status": delivery,
        "aria-label": `${sender}, ${time}`,
      },
      !own && (first ? avatar(message.senderInboxId, initials(sender), true) : h("span", { class: "avatar-gap" })),
      h(
        "div",
        { class: "bubble-column" },
        first && !own && h("span", { class: "sender" }, sender),
        h("div", { class: removed ? "bubble bubble-removed" : plain ? "bubble" : "bubble bubble-fallback" }, quoted && quote(quoted), h("span", { class: "text", "data-testid": removed ? "removed-text" : "message-text" }, text), h("span", { class: "meta" }, h("time", { datetime: message.sentAt.toISOString() }, time), delivery !== undefined && mark(delivery))),
        reactionBar(this.chat, this.conversation, message, reactionsOf(this.chat, message)),
        replies && h("span", { class: "reply-count" }, replies),
        delivery === "failed" &&
          h(
            "button",
            { class: "retry", type: "button", "data-testid": "retry", onclick: () => void this.chat.publish(this.conversation) },
            "Not sent. Try again",
          ),
      ),
      !removed && this.conversation.active && toolbar(this.chat, this.conversation, message, () => this.#replyWith(message)),
    );
  }

  /** Begins or gives up an answer to a message. */
  #replyWith(message: DecodedMessage | undefined): void {
    this.#replyTo = message;
    this.#replying.hidden = message === undefined;
    if (message === undefined) return;
    const cancel = (): void => {
      this.#replyWith(undefined);
      this.#input.focus();
    };
    this.#replying.replaceChildren(
      quote({ name: `Reply to ${this.chat.nameOf(message.senderInboxId)}`, text: this.chat.textOf(message) ?? "A message" }),
      h("button", { class: "button button-quiet button-round", type: "button", "aria-label": "Do not reply", onclick: cancel }, icon("close")),
    );
    this.#input.focus();
  }

  async #submit(): Promise<void> {
    const text = this.#input.value.trim();
    if (text === "") return;
    this.#input.value = "";
    this.#grow();
    try {
      const replyTo = this.#replyTo;
      this.#replyWith(undefined);
      await this.chat.send(this.conversation, text, replyTo);
      this.#scroller.scrollTop = this.#scroller.scrollHeight;
    } catch (error) {
      // Nothing was stored: give the words back.
      if (this.#input.value === "") this.#input.value = text;
      this.#grow();
      toast(explain(error), "error");
    }
  }

  #grow(): void {
    this.#input.style.height = "auto";
    this.#input.style.height = `${this.#input.scrollHeight}px`;
    this.#send.disabled = this.#input.value.trim() === "";
  }
}

function mark(delivery: Delivery): HTMLElement {
  const look = { sending: ["clock", "Sending"], sent: ["check", "Sent"], failed: ["alert", "Not sent"] } as const;
  const [name, label] = look[delivery];
  return h("span", { class: `mark mark-${delivery}`, role: "img", "aria-label": label, title: label }, icon(name));
}
