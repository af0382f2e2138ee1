/** Files in messages: small ones inside, larger ones encrypted and put elsewhere. Draws nothing. */
import { decryptFile, uploadFile, type Attachment, type RemoteAttachment } from "xmtp-web";
import type { Chat, Conversation } from "./chat.js";
import { fileSize } from "./dom.js";
import { filesUrl } from "./identity.js";

/** What fits into a message, bytes. */
export const MAX_INSIDE = 500_000;
/** Pictures that browsers draw without running anything. All else is only ever saved. */
const PICTURES: ReadonlySet<string> = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"]);

export interface Opened {
  /** Of this page alone. */
  url: string;
  name: string;
  size: number;
  isPicture: boolean;
}

/** By message id: a message is opened once. */
const opened = new Map<string, Opened>();

/** Why a file cannot be sent; undefined when it can. */
export function refusal(file: File): string | undefined {
  if (file.size === 0) return `${file.name} is empty.`;
  if (file.size <= MAX_INSIDE || filesUrl !== undefined) return undefined;
  return `${file.name} has ${fileSize(file.size)}. This page sends files up to ${fileSize(MAX_INSIDE)}, unless it is opened with ?files= and an address to upload to.`;
}

export async function sendFile(chat: Chat, conversation: Conversation, file: File): Promise<void> {
  if (file.size <= MAX_INSIDE) {
    const content = new Uint8Array(await file.arrayBuffer());
    const attachment = { filename: file.name, mimeType: file.type || "application/octet-stream", content };
    await chat.queue(conversation, (group) => group.sendAttachment(attachment, { optimistic: true }));
  } else {
    const remote = await uploadFile(file, upload);
    await chat.queue(conversation, (group) => group.sendRemoteAttachment(remote, { optimistic: true }));
  }
}

/** The place learns nothing: neither the name nor the content. */
async function upload(payload: Blob): Promise<string> {
  const url = new URL(crypto.randomUUID(), filesUrl).href;
  const answer = await fetch(url, { method: "PUT", body: payload });
  if (!answer.ok) throw new Error(`The place for files refused this one (${answer.status}).`);
  return url;
}

/** A file that came inside a message. */
export function openInside(messageId: string, { content, filename, mimeType }: Attachment): Opened {
  return opened.get(messageId) ?? keep(messageId, new Blob([content as Uint8Array<ArrayBuffer>]), filename, mimeType);
}

/** A file that lies elsewhere, if it was fetched before. */
export function openedBefore(messageId: string): Opened | undefined {
  return opened.get(messageId);
}

/** Fetches a file that lies elsewhere: whoever keeps it learns this computer's address, so only when asked to. */
export async function openRemote(messageId: string, remote: RemoteAttachment): Promise<Opened> {
  const answer = await fetch(remote.url, { credentials: "omit", referrerPolicy: "no-referrer" });
  if (!answer.ok) throw new Error(`The file is not there any more (${answer.status}).`);
  const { content, filename, mimeType } = await decryptFile(await answer.blob(), remote);
  return keep(messageId, content, filename ?? remote.filename, mimeType);
}

function keep(messageId: string, content: Blob, filename: string | undefined, mimeType: string): Opened {
  const isPicture = PICTURES.has(mimeType);
  // A type of the sender's choice could make a page of it.
  const blob = content.slice(0, content.size, isPicture ? mimeType : "application/octet-stream");
  const file = { url: URL.createObjectURL(blob), name: filename || "file", size: content.size, isPicture };
  opened.set(messageId, file);
  return file;
}
