import type { MessageSnapshot } from "./rpc.js";
import type { ContentTypeId, DeliveryStatus, EncodedContent, GroupMessageKind, GroupUpdated } from "./types.js";

/** One message as stored, with its content decoded where this package knows the type. */
export class DecodedMessage<T = unknown> {
  /** Lower-case hex, 64 characters; equal on every client. */
  readonly id: string;
  readonly conversationId: string;
  readonly senderInboxId: string;
  readonly senderInstallationId: string;
  /** Nanoseconds since the Unix epoch, UTC. */
  readonly sentAtNs: bigint;
  readonly insertedAtNs: bigint;
  /** When it is deleted here, nanoseconds since the Unix epoch; undefined: it stays. */
  readonly expiresAtNs: bigint | undefined;
  readonly kind: GroupMessageKind;
  readonly deliveryStatus: DeliveryStatus;
  /** Undefined when the sender left it out. */
  readonly contentType: ContentTypeId | undefined;
  /** A string for text, {@link GroupUpdated} for changes of the group, undefined for types not decoded here. */
  readonly content: T | undefined;
  /** Written by the sender for receivers that do not know the type. Untrusted. */
  readonly fallback: string | undefined;
  /** The undecoded content of a type that this package does not decode. */
  readonly encodedContent: EncodedContent | undefined;

  /** @internal */
  constructor(from: MessageSnapshot) {
    this.id = from.id;
    this.conversationId = from.conversationId;
    this.senderInboxId = from.senderInboxId;
    this.senderInstallationId = from.senderInstallationId;
    this.sentAtNs = from.sentAtNs;
    this.insertedAtNs = from.insertedAtNs;
    this.expiresAtNs = from.expiresAtNs;
    this.kind = from.kind;
    this.deliveryStatus = from.deliveryStatus;
    this.contentType = from.contentType;
    this.content = (from.text ?? from.groupUpdated) as T | undefined;
    this.fallback = from.fallback;
    this.encodedContent = from.encodedContent;
  }

  get sentAt(): Date {
    return new Date(Number(this.sentAtNs / 1_000_000n));
  }

  get expiresAt(): Date | undefined {
    return this.expiresAtNs === undefined ? undefined : new Date(Number(this.expiresAtNs / 1_000_000n));
  }
}

/** Whether a message is plain text. */
export function isText(message: DecodedMessage): message is DecodedMessage<string> {
  return typeof message.content === "string" && message.contentType?.typeId === "text";
}

/** Whether a message tells of a change of the group. */
export function isGroupUpdated(message: DecodedMessage): message is DecodedMessage<GroupUpdated> {
  return typeof message.content === "object" && message.contentType?.typeId === "group_updated";
}
