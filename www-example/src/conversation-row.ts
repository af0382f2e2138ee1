/** One conversation in the list: its name, its last message, what is unread. */
import { ConsentState, isDeletedMessage, isGroupUpdated } from "xmtp-web";
import type { Chat, Conversation } from "./chat.js";
import { avatar, h, icon, initials, shortTime, spoken } from "./dom.js";
import type { Item } from "./reconcile.js";

export function conversationItem(chat: Chat, conversation: Conversation): Item {
  const { group, unread, consent, pausedForVersion } = conversation;
  const open = chat.openId === conversation.id;
  const draft = open ? "" : chat.memory.draft(conversation.id);
  const about = {
    id: conversation.id,
    title: chat.titleOf(conversation),
    preview: preview(chat, conversation),
    draft,
    time: shortTime(conversation.messages.at(-1)?.sentAt ?? group.createdAt),
    unread,
    open,
    consent,
    paused: pausedForVersion !== undefined,
    failed: conversation.messages.some((message) => chat.isOwn(message) && chat.delivery(conversation, message) === "failed"),
  };
  return { key: conversation.id, state: JSON.stringify(about), make: () => row(about) };
}

function preview(chat: Chat, conversation: Conversation): string {
  for (const message of [...conversation.messages].reverse()) {
    const text = chat.textOf(message);
    if (text === undefined) continue;
    if (isGroupUpdated(message) || isDeletedMessage(message)) return text;
    // Of two people it is clear who the other one is.
    if (conversation.peer !== undefined && !chat.isOwn(message)) return text;
    return `${chat.nameOf(message.senderInboxId)}: ${text}`;
  }
  return "No messages yet";
}

interface About {
  id: string;
  title: string;
  preview: string;
  draft: string;
  time: string;
  unread: number;
  open: boolean;
  consent: ConsentState;
  paused: boolean;
  failed: boolean;
}

function row({ id, title, preview, draft, time, unread, open, consent, paused, failed }: About): HTMLElement {
  const last = draft !== "" ? [h("span", { class: "draft" }, "Draft: "), draft] : [preview];
  return h(
    "li",
    { "data-consent": ConsentState[consent]?.toLowerCase() },
    h(
      "button",
      {
        class: unread > 0 ? "conversation unread" : "conversation",
        type: "button",
        "data-id": id,
        "data-testid": "conversation",
        "aria-current": open ? "page" : undefined,
      },
      avatar(id, initials(title)),
      h(
        "span",
        { class: "conversation-text" },
        h("span", { class: "conversation-title" }, title),
        h("span", { class: "conversation-last", "data-testid": "conversation-last" }, ...last),
      ),
      h(
        "span",
        { class: "conversation-side" },
        h("span", { class: "conversation-time" }, time),
        h(
          "span",
          { class: "conversation-marks" },
          paused && h("span", { class: "conversation-mark", title: "Needs a newer version" }, icon("lock"), spoken("Needs a newer version")),
          failed && h("span", { class: "conversation-mark mark-failed", title: "Not sent" }, icon("alert"), spoken("A message was not sent")),
          unread > 0 &&
            h(
              "span",
              { class: "badge", "data-testid": "unread" },
              h("span", { "aria-hidden": "true" }, unread > 99 ? "99+" : String(unread)),
              spoken(`${unread} unread`),
            ),
        ),
      ),
    ),
  );
}
