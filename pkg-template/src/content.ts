import type {
  Actions,
  Attachment,
  EncryptedAttachment,
  Intent,
  MultiRemoteAttachment,
  Reaction,
  ReadReceipt,
  RemoteAttachment,
  Reply,
  SendableContent,
  TransactionReference,
  WalletSendCalls,
} from "./content-types.js";
import { tools } from "./tools.js";
import type { ContentTypeId, EncodedContent } from "./types.js";

const TYPES = {
  actions: ["coinbase.com", "actions", 1],
  attachment: ["xmtp.org", "attachment", 1],
  deletedMessage: ["xmtp.org", "deletedMessage", 1],
  groupUpdated: ["xmtp.org", "group_updated", 1],
  intent: ["coinbase.com", "intent", 1],
  leaveRequest: ["xmtp.org", "leave_request", 1],
  markdown: ["xmtp.org", "markdown", 1],
  multiRemoteAttachment: ["xmtp.org", "multiRemoteStaticAttachment", 1],
  reaction: ["xmtp.org", "reaction", 2],
  readReceipt: ["xmtp.org", "readReceipt", 1],
  remoteAttachment: ["xmtp.org", "remoteStaticAttachment", 1],
  reply: ["xmtp.org", "reply", 1],
  text: ["xmtp.org", "text", 1],
  transactionReference: ["xmtp.org", "transactionReference", 1],
  walletSendCalls: ["xmtp.org", "walletSendCalls", 1],
} as const satisfies Record<string, readonly [string, string, number]>;

/** The id of a type by the name that decoded content has for it; undefined for names without one. @internal */
export function idOf(name: string): ContentTypeId | undefined {
  if (!Object.hasOwn(TYPES, name)) return undefined;
  const [authorityId, typeId, versionMajor] = TYPES[name as keyof typeof TYPES];
  return { authorityId, typeId, versionMajor, versionMinor: 0 };
}

function typeOf(name: keyof typeof TYPES): () => Promise<ContentTypeId> {
  return async () => idOf(name) as ContentTypeId;
}

export const contentTypeActions = typeOf("actions");
export const contentTypeAttachment = typeOf("attachment");
export const contentTypeGroupUpdated = typeOf("groupUpdated");
export const contentTypeIntent = typeOf("intent");
export const contentTypeLeaveRequest = typeOf("leaveRequest");
export const contentTypeMarkdown = typeOf("markdown");
export const contentTypeMultiRemoteAttachment = typeOf("multiRemoteAttachment");
export const contentTypeReaction = typeOf("reaction");
export const contentTypeReadReceipt = typeOf("readReceipt");
export const contentTypeRemoteAttachment = typeOf("remoteAttachment");
export const contentTypeReply = typeOf("reply");
export const contentTypeText = typeOf("text");
export const contentTypeTransactionReference = typeOf("transactionReference");
export const contentTypeWalletSendCalls = typeOf("walletSendCalls");

async function encode<K extends keyof SendableContent>(kind: K, content: SendableContent[K]): Promise<EncodedContent> {
  const { channel, wasmUrl } = tools();
  return channel.call("tools.encode", { kind, content, wasmUrl });
}

export const encodeActions = (actions: Actions): Promise<EncodedContent> => encode("actions", actions);
export const encodeAttachment = (attachment: Attachment): Promise<EncodedContent> => encode("attachment", attachment);
export const encodeIntent = (intent: Intent): Promise<EncodedContent> => encode("intent", intent);
export const encodeMarkdown = (text: string): Promise<EncodedContent> => encode("markdown", text);
export const encodeMultiRemoteAttachment = (attachments: MultiRemoteAttachment): Promise<EncodedContent> =>
  encode("multiRemoteAttachment", attachments);
export const encodeReaction = (reaction: Reaction): Promise<EncodedContent> => encode("reaction", reaction);
export const encodeReadReceipt = (receipt: ReadReceipt = {}): Promise<EncodedContent> => encode("readReceipt", receipt);
export const encodeRemoteAttachment = (attachment: RemoteAttachment): Promise<EncodedContent> =>
  encode("remoteAttachment", attachment);
/** Beside those of the original, for replies within a custom type. */
export const encodeReply = (reply: Reply): Promise<EncodedContent> => encode("reply", reply);
export const encodeText = (text: string): Promise<EncodedContent> => encode("text", text);
export const encodeTransactionReference = (reference: TransactionReference): Promise<EncodedContent> =>
  encode("transactionReference", reference);
export const encodeWalletSendCalls = (calls: WalletSendCalls): Promise<EncodedContent> => encode("walletSendCalls", calls);

/**
 * Encrypts a file for a place that is not trusted, with fresh keys: upload `payload` as it is, and send the rest with
 * its address as a {@link RemoteAttachment}.
 */
export async function encryptAttachment(attachment: Attachment): Promise<EncryptedAttachment> {
  const { channel, wasmUrl } = tools();
  return channel.call("tools.encryptAttachment", { attachment, wasmUrl });
}

/**
 * Opens a downloaded file. Bytes that are not the ones the message names are refused with
 * `message.attachment_rejected` before anything is decrypted.
 */
export async function decryptAttachment(encryptedBytes: Uint8Array, remoteAttachment: RemoteAttachment): Promise<Attachment> {
  const { channel, wasmUrl } = tools();
  return channel.call("tools.decryptAttachment", { encryptedBytes, remoteAttachment, wasmUrl });
}
