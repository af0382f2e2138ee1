/** The box to write in: text that is kept as a draft, what is answered, and a file to send. */
import type { DecodedMessage } from "xmtp-web";
import type { Chat, Conversation } from "./chat.js";
import { fileSize, h, icon, toast } from "./dom.js";
import { explain } from "./explain.js";
import { refusal, sendFile } from "./files.js";
import { quote } from "./message-parts.js";

export class Composer {
  readonly element: HTMLElement;
  readonly #chat: Chat;
  readonly #conversation: Conversation;
  readonly #onSent: () => void;
  readonly #input: HTMLTextAreaElement;
  readonly #send: HTMLButtonElement;
  readonly #form: HTMLFormElement;
  readonly #replying: HTMLElement;
  readonly #attached: HTMLElement;
  #replyTo: DecodedMessage | undefined;
  #file: File | undefined;

  constructor(chat: Chat, conversation: Conversation, onSent: () => void) {
    this.#chat = chat;
    this.#conversation = conversation;
    this.#onSent = onSent;
    this.#input = h("textarea", {
      rows: 1,
      placeholder: "Write a message",
      "aria-label": "Message",
      "data-testid": "message-input",
      enterkeyhint: "send",
      oninput: () => this.#changed(),
      onpaste: (event: ClipboardEvent) => {
        const file = event.clipboardData?.files[0];
        if (!file) return;
        event.preventDefault();
        this.attach(file);
      },
      onkeydown: (event: KeyboardEvent) => {
        if (event.key === "Escape" && (this.#replyTo ?? this.#file) !== undefined) {
          event.preventDefault();
          this.replyWith(undefined);
          this.attach(undefined);
        }
        if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
        event.preventDefault();
        this.#form.requestSubmit();
      },
    });
    this.#input.value = chat.memory.draft(conversation.id);
    this.#send = h(
      "button",
      { class: "button button-primary button-round", type: "submit", "aria-label": "Send", title: "Send", "data-testid": "send", disabled: true },
      icon("send"),
    );
    const picker = h("input", {
      type: "file",
      hidden: true,
      tabindex: -1,
      "aria-label": "File to send",
      "data-testid": "file-input",
      onchange: () => {
        const file = picker.files?.[0];
        picker.value = "";
        if (file) this.attach(file);
      },
    });
    const clip = h(
      "button",
      { class: "button button-quiet button-round", type: "button", "aria-label": "Attach a file", title: "Attach a file", "data-testid": "attach", onclick: () => picker.click() },
      icon("clip"),
    );
    this.#form = h(
      "form",
      {
        class: "composer",
        "aria-label": "Write a message",
        onsubmit: (event: SubmitEvent) => {
          event.preventDefault();
          void this.#submit();
        },
      },
      picker,
      clip,
      this.#input,
      this.#send,
    );
    this.#replying = h("div", { class: "replying", hidden: true, "data-testid": "replying" });
    this.#attached = h("div", { class: "replying", hidden: true, "data-testid": "attached" });
    this.element = h("div", { class: "composer-area" }, this.#replying, this.#attached, this.#form);
  }

  /** Once it is in the page: only then is it known how high the text is. */
  placed(): void {
    this.#grow();
  }

  focus(): void {
    this.#input.focus();
  }

  /** Begins or gives up an answer to a message. */
  replyWith(message: DecodedMessage | undefined): void {
    this.#replyTo = message;
    this.#replying.hidden = message === undefined;
    if (message === undefined) return;
    const cancel = (): void => {
      this.replyWith(undefined);
      this.#input.focus();
    };
    const text = this.#chat.textOf(message) ?? "A message";
    this.#replying.replaceChildren(
      quote({ name: `Reply to ${this.#chat.nameOf(message.senderInboxId)}`, text }),
      h("button", { class: "button button-quiet button-round", type: "button", "aria-label": "Do not reply", onclick: cancel }, icon("close")),
    );
    this.#input.focus();
  }

  /** Takes a file to be sent with the next press of the button, or gives it up. */
  attach(file: File | undefined): void {
    const why = file && refusal(file);
    if (why) return toast(why, "error");
    this.#file = file;
    this.#attached.hidden = file === undefined;
    this.#grow();
    if (file === undefined) return;
    const cancel = (): void => {
      this.attach(undefined);
      this.#input.focus();
    };
    this.#attached.replaceChildren(
      h("span", { class: "file" }, icon("file"), h("span", { class: "file-text" }, h("span", { class: "file-name" }, file.name), h("span", { class: "file-about" }, fileSize(file.size)))),
      h("button", { class: "button button-quiet button-round", type: "button", "aria-label": "Do not send this file", onclick: cancel }, icon("close")),
    );
    this.#input.focus();
  }

  async #submit(): Promise<void> {
    const text = this.#input.value.trim();
    const [file, replyTo] = [this.#file, this.#replyTo];
    if (text === "" && file === undefined) return;
    this.#input.value = "";
    this.attach(undefined);
    this.replyWith(undefined);
    this.#changed();
    try {
      if (file !== undefined) await sendFile(this.#chat, this.#conversation, file);
    } catch (error) {
      // Nothing was stored: give it back.
      this.attach(file);
      this.#giveBack(text, replyTo, error);
      return;
    }
    try {
      if (text !== "") await this.#chat.send(this.#conversation, text, replyTo);
      this.#onSent();
    } catch (error) {
      this.#giveBack(text, replyTo, error);
    }
  }

  #giveBack(text: string, replyTo: DecodedMessage | undefined, error: unknown): void {
    if (this.#input.value === "") this.#input.value = text;
    if (replyTo !== undefined) this.replyWith(replyTo);
    this.#changed();
    toast(explain(error), "error");
  }

  #changed(): void {
    this.#chat.memory.keepDraft(this.#conversation.id, this.#input.value);
    this.#grow();
  }

  #grow(): void {
    this.#input.style.height = "auto";
    this.#input.style.height = `${this.#input.scrollHeight}px`;
    this.#send.disabled = this.#input.value.trim() === "" && this.#file === undefined;
  }
}
