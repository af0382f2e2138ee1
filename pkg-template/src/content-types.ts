import type { EncodedContent, GroupUpdated } from "./types.js";

export enum ReactionAction {
  Unknown = 0,
  Added = 1,
  Removed = 2,
}

export enum ReactionSchema {
  Unknown = 0,
  /** An emoji. */
  Unicode = 1,
  /** The name of an emoji, such as `smile`. */
  Shortcode = 2,
  Custom = 3,
}

export interface Reaction {
  /** The id of the message that is reacted to. */
  reference: string;
  /** Who sent that message; may be empty. */
  referenceInboxId: string;
  action: ReactionAction;
  content: string;
  schema: ReactionSchema;
}

/** An answer to a message, to be sent. */
export interface Reply {
  /** What is answered; one of the `encode…` functions makes it. */
  content: EncodedContent;
  /** The id of the message that is answered. */
  reference: string;
  referenceInboxId?: string;
}

export type ReadReceipt = Record<string, never>;

/** A small file inside a message. Name and type are the sender's claim. */
export interface Attachment {
  filename?: string;
  mimeType: string;
  content: Uint8Array;
}

/** Where an encrypted file lies, and its keys. Load nothing from people one does not know. */
export interface RemoteAttachment {
  url: string;
  /** SHA-256 of the encrypted bytes, hex. */
  contentDigest: string;
  /** 32 bytes. */
  secret: Uint8Array;
  /** 32 bytes. */
  salt: Uint8Array;
  /** 12 bytes. */
  nonce: Uint8Array;
  /** `https://`. */
  scheme: string;
  /** How many bytes the encrypted file has. */
  contentLength?: number;
  filename?: string;
}

export interface MultiRemoteAttachment {
  attachments: RemoteAttachment[];
}

/** A file, encrypted and ready to be uploaded. All but `payload` goes into the message. */
export interface EncryptedAttachment {
  /** What to upload. */
  payload: Uint8Array;
  contentDigest: string;
  secret: Uint8Array;
  salt: Uint8Array;
  nonce: Uint8Array;
  contentLength: number;
  filename?: string;
}

/** The same of a file of any size. */
export interface EncryptedFile extends Omit<EncryptedAttachment, "payload"> {
  /** What to upload; kept by the browser, not in the page's memory. */
  payload: Blob;
}

/** An opened file of any size. Name and type are the sender's claim. */
export interface FileContent {
  filename?: string;
  mimeType: string;
  content: Blob;
}

export interface TransactionMetadata {
  transactionType: string;
  currency: string;
  amount: number;
  decimals: number;
  fromAddress: string;
  toAddress: string;
}

/** A transaction on some chain: a claim of the sender. */
export interface TransactionReference {
  namespace?: string;
  networkId: string;
  reference: string;
  metadata?: TransactionMetadata;
}

export interface WalletCall {
  to?: string;
  data?: string;
  value?: string;
  gas?: string;
  /** With `description` and `transactionType`. */
  metadata?: Record<string, string>;
}

/** A request to sign transactions. Never run one that the person has not confirmed in their wallet. */
export interface WalletSendCalls {
  version: string;
  chainId: string;
  from: string;
  calls: WalletCall[];
  capabilities?: Record<string, string>;
}

export enum ActionStyle {
  Primary = 0,
  Secondary = 1,
  Danger = 2,
}

export interface Action {
  id: string;
  label: string;
  imageUrl?: string;
  style?: ActionStyle;
  expiresAtNs?: bigint;
}

/** A question with one to ten buttons. */
export interface Actions {
  id: string;
  description: string;
  actions: Action[];
  expiresAtNs?: bigint;
}

/** The button that was pressed. */
export interface Intent {
  /** The id of the {@link Actions}. */
  id: string;
  actionId: string;
  metadata?: Record<string, string | number | boolean | null>;
}

/** A member asks to be removed. */
export interface LeaveRequest {
  authenticatedNote?: Uint8Array;
}

export enum DeletedBy {
  Sender = 0,
  Admin = 1,
}

/** What is left of a message that was removed for everybody. */
export interface DeletedMessage {
  deletedBy: DeletedBy;
  adminInboxId?: string;
}

/** A message asks that another one be removed; streams alone show it. */
export interface Removal {
  messageId: string;
}

/** Several contents in one (XIP-9, deprecated: read, never sent). */
export interface Composite {
  parts: unknown[];
}

export interface MembershipChange {
  installationIds: string[];
  accountAddress: string;
  initiatedByAccountAddress: string;
}

/** What clients of old wrote in place of {@link GroupUpdated}. */
export interface GroupMembershipChange {
  membersAdded: MembershipChange[];
  membersRemoved: MembershipChange[];
  installationsAdded: MembershipChange[];
  installationsRemoved: MembershipChange[];
}

/** Content that can be sent, by the name of its type. */
export interface SendableContent {
  text: string;
  markdown: string;
  reaction: Reaction;
  reply: Reply;
  readReceipt: ReadReceipt;
  attachment: Attachment;
  remoteAttachment: RemoteAttachment;
  multiRemoteAttachment: MultiRemoteAttachment;
  transactionReference: TransactionReference;
  walletSendCalls: WalletSendCalls;
  actions: Actions;
  intent: Intent;
}

/** Content as the worker decoded it. `forged`: a sent message that claims to be a line of the transcript. */
export type ContentBody =
  | { [K in Exclude<keyof SendableContent, "reply">]: { type: K; content: SendableContent[K] } }[Exclude<
      keyof SendableContent,
      "reply"
    >]
  | { type: "reply"; content: { referenceId: string; referenceInboxId?: string; content: ContentBody } }
  | { type: "groupUpdated"; content: GroupUpdated }
  | { type: "groupMembershipChange"; content: GroupMembershipChange }
  | { type: "leaveRequest"; content: LeaveRequest }
  | { type: "deletedMessage"; content: DeletedMessage }
  | { type: "removal"; content: Removal }
  | { type: "composite"; content: { parts: ContentBody[] } }
  | { type: "custom"; content: EncodedContent }
  | { type: "forged"; content: object };
