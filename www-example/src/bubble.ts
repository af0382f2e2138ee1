/** One message: who said it, what it answers, its content, its reactions, and whether it was sent. */
import {
  DeliveryStatus,
  isAttachment,
  isDeletedMessage,
  isRemoteAttachment,
  isText,
  isTextReply,
  type DecodedMessage,
} from "xmtp-web";
import type { Chat, Conversation, Delivery } from "./chat.js";
import { avatar, clock, h, icon, initials, toast } from "./dom.js";
import { explain } from "./explain.js";
import { fileView } from "./file-view.js";
import { quote, quoteOf, reactionBar, reactionsOf, toolbar } from "./message-parts.js";
import type { Item } from "./reconcile.js";

/** `first`: begins a block of messages of one sender. */
export function messageItem(
  chat: Chat,
  conversation: Conversation,
  message: DecodedMessage,
  text: string,
  first: boolean,
  onReply: () => void,
): Item {
  const delivery = chat.isOwn(message) ? chat.delivery(conversation, message) : undefined;
  const sender = chat.nameOf(message.senderInboxId);
  const state = [
    text, first, delivery, sender, quoteOf(chat, message), reactionsOf(chat, message), chat.canRemove(conversation, message),
    isDeletedMessage(message), message.deliveryStatus, String(message.numReplies), conversation.active, conversation.consent,
  ];
  return {
    key: message.id,
    state: JSON.stringify(state),
    make: () => bubble(chat, conversation, message, text, sender, first, delivery, onReply),
  };
}

function bubble(
  chat: Chat,
  conversation: Conversation,
  message: DecodedMessage,
  text: string,
  sender: string,
  first: boolean,
  delivery: Delivery | undefined,
  onReply: () => void,
): HTMLElement {
  const own = delivery !== undefined;
  const time = clock(message.sentAt);
  const removed = isDeletedMessage(message);
  const quoted = quoteOf(chat, message);
  const plain = isText(message) || isTextReply(message);
  const file = isAttachment(message) || isRemoteAttachment(message) ? fileView(conversation, message) : undefined;
  const kind = removed ? " bubble-removed" : file !== undefined ? " bubble-file" : plain ? "" : " bubble-fallback";
  const replies = message.numReplies > 0n && `${message.numReplies} ${message.numReplies === 1n ? "reply" : "replies"}`;
  const status = delivery === undefined ? "" : `, ${MARKS[delivery][1].toLowerCase()}`;
  return h(
    "article",
    {
      class: `row message ${own ? "own" : "other"}${first ? " first" : ""}`,
      tabindex: -1,
      "data-testid": "message",
      "data-id": message.id,
      "data-own": own,
      "data-status": delivery,
      "aria-label": `${sender}, ${time}${status}`,
    },
    !own && (first ? avatar(message.senderInboxId, initials(sender), true) : h("span", { class: "avatar-gap" })),
    h(
      "div",
      { class: "bubble-column" },
      first && !own && h("span", { class: "sender" }, sender),
      h(
        "div",
        { class: `bubble${kind}` },
        quoted && quote(quoted),
        file ?? h("span", { class: "text", "data-testid": removed ? "removed-text" : "message-text" }, text),
        h("span", { class: "meta" }, h("time", { datetime: message.sentAt.toISOString() }, time), delivery !== undefined && mark(delivery)),
      ),
      reactionBar(chat, conversation, message, reactionsOf(chat, message)),
      replies && h("span", { class: "reply-count" }, replies),
      (delivery === "failed" || delivery === "waiting") && unsent(chat, conversation, message, delivery),
    ),
    // What nobody else has, nobody can answer.
    !removed && conversation.active && message.deliveryStatus === DeliveryStatus.Published && toolbar(chat, conversation, message, onReply),
  );
}

/** What can be done about a message that was not sent. */
function unsent(chat: Chat, conversation: Conversation, message: DecodedMessage, delivery: "failed" | "waiting"): HTMLElement {
  const told = (error: unknown): void => toast(explain(error), "error");
  const reason = conversation.problem && delivery === "failed" ? explain(conversation.problem) : undefined;
  return h(
    "div",
    { class: `unsent unsent-${delivery}` },
    h("span", { title: reason }, delivery === "waiting" ? "Waiting for the node." : "Not sent."),
    h("button", { class: "retry", type: "button", "data-testid": "retry", onclick: () => void chat.retry(conversation, message).catch(told) }, delivery === "waiting" ? "Try now" : "Try again"),
    message.deliveryStatus === DeliveryStatus.Failed &&
      h("button", { class: "retry", type: "button", "data-testid": "discard", onclick: () => void chat.discard(conversation, message).catch(told) }, "Discard"),
  );
}

const MARKS = {
  sending: ["clock", "Sending"],
  waiting: ["clock", "Waiting for the node"],
  sent: ["check", "Sent"],
  failed: ["alert", "Not sent"],
} as const;

function mark(delivery: Delivery): HTMLElement {
  const [name, label] = MARKS[delivery];
  return h("span", { class: `mark mark-${delivery}`, role: "img", "aria-label": label, title: label }, icon(name));
}
