import type { CodecRegistry } from "./codecs.js";
import { idOf } from "./content.js";
import type {
  Actions,
  Attachment,
  Composite,
  ContentBody,
  DeletedMessage,
  GroupMembershipChange,
  Intent,
  LeaveRequest,
  MultiRemoteAttachment,
  Reaction,
  ReadReceipt,
  Removal,
  RemoteAttachment,
  TransactionReference,
  WalletSendCalls,
} from "./content-types.js";
import type { MessageSnapshot } from "./rpc.js";
import type { ContentTypeId, DeliveryStatus, EncodedContent, GroupMessageKind, GroupUpdated } from "./types.js";

/** The content of a reply, with the message it answers. */
export interface EnrichedReply<T = unknown, U = unknown> {
  /** The id of the message that is answered. */
  referenceId: string;
  /** Undefined for types nobody knows. */
  content: T;
  /** The type of `content`; undefined where it has none. */
  contentType: () => Promise<ContentTypeId | undefined>;
  /** The message that is answered, without its own reactions and replies; null when it is not here. */
  inReplyTo: DecodedMessage<U> | null;
}

/** One message, with its content decoded where this package or a codec of the app knows the type. */
export class DecodedMessage<T = unknown> {
  /** Lower-case hex, 64 characters; equal on every client. */
  readonly id: string;
  readonly conversationId: string;
  readonly senderInboxId: string;
  readonly senderInstallationId: string;
  /** Nanoseconds since the Unix epoch, UTC. */
  readonly sentAtNs: bigint;
  readonly sentAt: Date;
  readonly insertedAtNs: bigint;
  /** When it is deleted here, nanoseconds since the Unix epoch; undefined: it stays. */
  readonly expiresAtNs: bigint | undefined;
  readonly expiresAt: Date | undefined;
  readonly kind: GroupMessageKind;
  readonly deliveryStatus: DeliveryStatus;
  /** Of empty names when the sender left it out. */
  readonly contentType: ContentTypeId;
  /** In the shape of its type; the guards (`isText`, `isReply` …) tell which. Undefined for types nobody knows. */
  readonly content: T | undefined;
  /** Written by the sender for receivers that do not know the type. Untrusted. */
  readonly fallback: string | undefined;
  /** The undecoded content of a type that this package does not decode. */
  readonly encodedContent: EncodedContent | undefined;
  /** Those that were not taken back, one for each sender, schema and content. Empty in streams and for removed ones. */
  readonly reactions: DecodedMessage<Reaction>[];
  /** How many messages answer this one. */
  readonly numReplies: bigint;
  /** @internal */
  readonly bodyType: ContentBody["type"];

  /** @internal */
  constructor(from: MessageSnapshot, codecs?: CodecRegistry) {
    this.id = from.id;
    this.conversationId = from.conversationId;
    this.senderInboxId = from.senderInboxId;
    this.senderInstallationId = from.senderInstallationId;
    this.sentAtNs = from.sentAtNs;
    this.sentAt = dateOf(from.sentAtNs);
    this.insertedAtNs = from.insertedAtNs;
    this.expiresAtNs = from.expiresAtNs;
    this.expiresAt = from.expiresAtNs === undefined ? undefined : dateOf(from.expiresAtNs);
    this.kind = from.kind;
    this.deliveryStatus = from.deliveryStatus;
    this.contentType = from.contentType ?? { authorityId: "", typeId: "", versionMajor: 0, versionMinor: 0 };
    this.fallback = from.fallback;
    this.numReplies = from.numReplies;
    this.reactions = from.reactions.map((reaction) => new DecodedMessage<Reaction>(reaction, codecs));
    this.bodyType = from.body.type;
    this.encodedContent = from.body.type === "custom" ? from.body.content : undefined;
    this.content = decode(from.body, codecs, from.inReplyTo) as T | undefined;
  }
}

function dateOf(ns: bigint): Date {
  return new Date(Number(ns / 1_000_000n));
}

function decode(body: ContentBody, codecs: CodecRegistry | undefined, inReplyTo?: MessageSnapshot): unknown {
  switch (body.type) {
    case "custom":
      return codecs?.decode(body.content);
    case "forged":
      return undefined;
    case "composite":
      return { parts: body.content.parts.map((part) => decode(part, codecs)) } satisfies Composite;
    case "reply": {
      const nested = body.content.content;
      const type = nested.type === "custom" ? nested.content.type : idOf(nested.type);
      return {
        referenceId: body.content.referenceId,
        content: decode(nested, codecs),
        contentType: async () => type,
        inReplyTo: inReplyTo === undefined ? null : new DecodedMessage(inReplyTo, codecs),
      } satisfies EnrichedReply;
    }
    default:
      return body.content;
  }
}

function guard<T>(type: ContentBody["type"]): (message: DecodedMessage) => message is DecodedMessage<T> {
  return (message): message is DecodedMessage<T> => message.bodyType === type;
}

export const isText = guard<string>("text");
export const isMarkdown = guard<string>("markdown");
export const isReaction = guard<Reaction>("reaction");
export const isReply = guard<EnrichedReply>("reply");
export const isReadReceipt = guard<ReadReceipt>("readReceipt");
export const isAttachment = guard<Attachment>("attachment");
export const isRemoteAttachment = guard<RemoteAttachment>("remoteAttachment");
export const isMultiRemoteAttachment = guard<MultiRemoteAttachment>("multiRemoteAttachment");
export const isTransactionReference = guard<TransactionReference>("transactionReference");
export const isWalletSendCalls = guard<WalletSendCalls>("walletSendCalls");
export const isActions = guard<Actions>("actions");
export const isIntent = guard<Intent>("intent");
export const isLeaveRequest = guard<LeaveRequest>("leaveRequest");
/** Whether a message tells of a change of the group. */
export const isGroupUpdated = guard<GroupUpdated>("groupUpdated");
export const isGroupMembershipChange = guard<GroupMembershipChange>("groupMembershipChange");
/** Whether a message was removed for everybody. */
export const isDeletedMessage = guard<DeletedMessage>("deletedMessage");
/** Whether a message asks that another one be removed; only streams show such. */
export const isRemoval = guard<Removal>("removal");
export const isComposite = guard<Composite>("composite");

export function isTextReply(message: DecodedMessage): message is DecodedMessage<EnrichedReply<string>> {
  return isReply(message) && typeof message.content?.content === "string";
}
