/** Messages in one line of words: for the list, for quotes, for the transcript of a group. */
import {
  isAttachment,
  isDeletedMessage,
  isGroupUpdated,
  isMarkdown,
  isReaction,
  isReadReceipt,
  isRemoteAttachment,
  isRemoval,
  isText,
  isTextReply,
  type DecodedMessage,
  type GroupUpdated,
} from "xmtp-web";
import type { Chat } from "./chat.js";
import { removedText } from "./message-parts.js";

/** One line that says what a message is; undefined for what is not shown. */
export function describe(chat: Chat, message: DecodedMessage): string | undefined {
  if (isText(message) || isMarkdown(message)) return message.content;
  if (isTextReply(message)) return message.content?.content;
  if (isDeletedMessage(message)) return removedText(chat, message);
  if (isAttachment(message)) return fileLine(message.content?.filename, message.content?.mimeType);
  if (isRemoteAttachment(message)) return fileLine(message.content?.filename);
  if (isReaction(message) || isReadReceipt(message) || isRemoval(message)) return undefined;
  if (isGroupUpdated(message)) return transcript(chat, message.content as GroupUpdated, chat.ofGroup(message.conversationId)?.peer !== undefined);
  return message.fallback;
}

/** Names a length of time by its largest whole unit, in nanoseconds. */
export function duration(ns: bigint): string {
  const units: [string, bigint][] = [["week", 604_800n], ["day", 86_400n], ["hour", 3_600n], ["minute", 60n], ["second", 1n]];
  const seconds = ns / 1_000_000_000n;
  const [name, size] = units.find(([, length]) => seconds >= length && seconds % length === 0n) ?? ["second", 1n];
  const count = seconds / size;
  return `${count} ${name}${count === 1n ? "" : "s"}`;
}

function fileLine(filename: string | undefined, mimeType = ""): string {
  return `${mimeType.startsWith("image/") ? "Picture" : "File"}${filename ? `: ${filename}` : ""}`;
}

function disappearing(who: string, inNs: string | undefined): string {
  const ns = /^\d+$/.test(inNs ?? "") ? BigInt(inNs as string) : 0n;
  return ns > 0n ? `${who} let messages disappear after ${duration(ns)}` : `${who} let messages stay`;
}

/** Undefined for half of a change whose other half says it, and for how a direct message came to have its two people. */
function transcript(chat: Chat, change: GroupUpdated, isDm: boolean): string | undefined {
  const who = chat.nameOf(change.initiatedByInboxId);
  const list = (inboxes: { inboxId: string }[] | undefined): string =>
    (inboxes ?? []).map(({ inboxId }) => (inboxId === chat.client.inboxId ? "you" : chat.nameOf(inboxId))).join(", ");
  const parts: string[] = [];
  const fields = change.metadataFieldChanges ?? [];
  if (isDm && fields.length === 0) return undefined;
  if (fields.length === 1 && fields[0]?.fieldName === "message_disappear_from_ns") return undefined;
  if (change.addedInboxes?.length && !isDm) parts.push(`${who} added ${list(change.addedInboxes)}`);
  if (change.removedInboxes?.length) parts.push(`${who} removed ${list(change.removedInboxes)}`);
  if (change.leftInboxes?.length) parts.push(`${list(change.leftInboxes)} left`);
  for (const { fieldName, newValue } of fields) {
    if (fieldName === "message_disappear_from_ns") continue;
    if (fieldName === "message_disappear_in_ns") parts.push(disappearing(who, newValue));
    else if (fieldName === "group_name") parts.push(`${who} named the group “${newValue ?? ""}”`);
    else parts.push(`${who} changed the ${fieldName.replaceAll("_", " ")}`);
  }
  if (change.addedAdminInboxes?.length) parts.push(`${who} made ${list(change.addedAdminInboxes)} admin`);
  if (change.addedSuperAdminInboxes?.length) parts.push(`${who} made ${list(change.addedSuperAdminInboxes)} super admin`);
  if (change.removedAdminInboxes?.length) parts.push(`${who} made ${list(change.removedAdminInboxes)} a member again`);
  if (change.removedSuperAdminInboxes?.length) parts.push(`${who} took super admin from ${list(change.removedSuperAdminInboxes)}`);
  return parts.join(" · ") || `${who} changed the group`;
}
