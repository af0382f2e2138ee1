/** The parts of a message beside its text: what it answers, its reactions, and what can be done with it. */
import { isDeletedMessage, isReply, type DecodedMessage, type Reaction } from "xmtp-web";
import type { Chat, Conversation } from "./chat.js";
import { confirmDialog } from "./dialog.js";
import { h, icon, spoken, toast } from "./dom.js";
import { explain } from "./explain.js";

/** The reactions offered. Any other one that somebody else sends is shown all the same. */
const EMOJI = ["👍", "❤️", "😂", "🎉", "😮", "🙏"];

export interface Reacted {
  emoji: string;
  names: string[];
  own: boolean;
}

/** Reactions by what they show, in the order they came. */
export function reactionsOf(chat: Chat, message: DecodedMessage): Reacted[] {
  const all = new Map<string, Reacted>();
  for (const reaction of message.reactions) {
    const emoji = (reaction.content as Reaction).content;
    const entry = all.get(emoji) ?? { emoji, names: [], own: false };
    entry.names.push(chat.nameOf(reaction.senderInboxId));
    entry.own ||= chat.isOwn(reaction);
    all.set(emoji, entry);
  }
  return [...all.values()];
}

/** The message that is answered, as one line. */
export function quoteOf(chat: Chat, message: DecodedMessage): { name: string; text: string } | undefined {
  if (!isReply(message)) return undefined;
  const answered = message.content?.inReplyTo;
  if (!answered) return { name: "Earlier message", text: "It is not on this device" };
  return { name: chat.nameOf(answered.senderInboxId), text: chat.textOf(answered) ?? "A message" };
}

export function quote(of: { name: string; text: string }): HTMLElement {
  return h(
    "blockquote",
    { class: "quote", "data-testid": "quote" },
    h("span", { class: "quote-name" }, of.name),
    h("span", { class: "quote-text" }, of.text),
  );
}

export function reactionBar(
  chat: Chat,
  conversation: Conversation,
  message: DecodedMessage,
  reactions: Reacted[],
): HTMLElement | undefined {
  if (reactions.length === 0) return undefined;
  const buttons = reactions.map(({ emoji, names, own }) =>
    h(
      "button",
      {
        class: "reaction",
        type: "button",
        "aria-pressed": own ? "true" : "false",
        title: names.join(", "),
        "data-testid": "reaction",
        onclick: () => void chat.react(conversation, message, emoji, own).catch(told),
      },
      h("span", {}, emoji),
      " ",
      h("span", {}, String(names.length)),
      spoken(` from ${names.join(", ")}. ${own ? "Take yours back" : "Add yours"}`),
    ),
  );
  return h("div", { class: "reactions", role: "group", "aria-label": "Reactions" }, ...buttons);
}

/** The buttons beside a message: react, reply, remove. */
export function toolbar(chat: Chat, conversation: Conversation, message: DecodedMessage, onReply: () => void): HTMLElement {
  const own = new Set(message.reactions.filter((each) => chat.isOwn(each)).map((each) => (each.content as Reaction).content));
  const picker = h(
    "div",
    { class: "picker", role: "group", "aria-label": "Choose a reaction", hidden: true },
    ...EMOJI.map((emoji) =>
      h(
        "button",
        {
          class: "picker-emoji",
          type: "button",
          "aria-label": `React with ${emoji}`,
          "aria-pressed": own.has(emoji) ? "true" : "false",
          "data-emoji": emoji,
          onclick: () => void chat.react(conversation, message, emoji, own.has(emoji)).catch(told),
        },
        emoji,
      ),
    ),
  );
  const react = h(
    "button",
    {
      class: "tool",
      type: "button",
      "aria-label": "React",
      title: "React",
      "aria-expanded": "false",
      "data-testid": "react",
      onclick: () => {
        picker.hidden = !picker.hidden;
        react.setAttribute("aria-expanded", String(!picker.hidden));
        if (picker.hidden) return;
        // The first messages have no room above them.
        picker.classList.remove("picker-below");
        const top = picker.closest(".scroller")?.getBoundingClientRect().top ?? 0;
        picker.classList.toggle("picker-below", picker.getBoundingClientRect().top < top);
        picker.querySelector("button")?.focus({ preventScroll: true });
      },
    },
    icon("smile"),
  );
  picker.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    picker.hidden = true;
    react.setAttribute("aria-expanded", "false");
    react.focus();
  });
  return h(
    "div",
    { class: "tools", role: "group", "aria-label": "Actions on this message" },
    react,
    h("button", { class: "tool", type: "button", "aria-label": "Reply", title: "Reply", "data-testid": "reply", onclick: onReply }, icon("reply")),
    chat.canRemove(conversation, message) &&
      h(
        "button",
        { class: "tool", type: "button", "aria-label": "Remove for everyone", title: "Remove for everyone", "data-testid": "remove", onclick: () => confirmRemoval(chat, conversation, message) },
        icon("trash"),
      ),
    picker,
  );
}

/** What stands in place of a removed message. */
export function removedText(chat: Chat, message: DecodedMessage): string | undefined {
  if (!isDeletedMessage(message)) return undefined;
  const admin = message.content?.adminInboxId;
  if (admin !== undefined) return `${chat.nameOf(admin)} removed this message`;
  return chat.isOwn(message) ? "You removed this message" : "This message was removed";
}

function confirmRemoval(chat: Chat, conversation: Conversation, message: DecodedMessage): void {
  confirmDialog({
    title: "Remove for everyone?",
    text: "Members whose app knows how will no longer see this message. Other apps keep showing it, and somebody may have read it already.",
    yes: "Remove",
    no: "Keep it",
    testId: "remove-dialog",
    confirmId: "confirm-remove",
    work: () => chat.remove(conversation, message),
  });
}

function told(error: unknown): void {
  toast(explain(error), "error");
}
