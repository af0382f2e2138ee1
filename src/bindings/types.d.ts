/** Content as it travels inside an encrypted message. */
export interface RawEncodedContent {
  type?: { authorityId: string; typeId: string; versionMajor: number; versionMinor: number };
  parameters: Record<string, string>;
  fallback?: string;
  content: Uint8Array;
  compression?: number;
}

export interface RawMessage {
  id: string;
  conversationId: string;
  senderInboxId: string;
  senderInstallationId: string;
  sentAtNs: bigint;
  insertedAtNs: bigint;
  /** 0 application, 1 membership change. */
  kind: number;
  /** 0 unpublished, 1 published, 2 failed. */
  deliveryStatus: number;
  contentType?: { authorityId: string; typeId: string; versionMajor: number; versionMinor: number } | undefined;
  /** Protobuf of `EncodedContent`. */
  content: Uint8Array;
  text?: string | undefined;
  groupUpdated?: object | undefined;
  fallback?: string | undefined;
  expiresAtNs?: bigint | undefined;
  numReplies: bigint;
  body: RawBody;
  reactions: RawMessage[];
  inReplyTo?: RawMessage | undefined;
}

/** Decoded content: its type by the name the page's API has for it, and the shape of that type. */
export interface RawBody {
  type: string;
  content: unknown;
}

export interface RawEncryptedAttachment {
  payload: Uint8Array;
  contentDigest: string;
  secret: Uint8Array;
  salt: Uint8Array;
  nonce: Uint8Array;
  contentLength: number;
  filename?: string | undefined;
}

export interface RawTypedSendOptions {
  optimistic?: boolean;
  idempotencyKey?: string;
}

export interface RawRemoveOptions {
  form?: "delete" | "deleteMessage";
  optimistic?: boolean;
}

export interface RawGroupState {
  name: string;
  description: string;
  imageUrl: string;
  appData: string;
  admins: string[];
  superAdmins: string[];
  creatorInboxId: string;
  /** 0 direct message, 1 group, 2 own installations, 3 carried by a welcome. */
  conversationType: number;
  pausedForVersion?: string | undefined;
  epoch: bigint;
  permissions?: object | undefined;
}

export interface RawMember {
  inboxId: string;
  accountIdentifiers: { identifier: string; identifierKind: number }[];
  installationIds: string[];
  permissionLevel: number;
  consentState: number;
}

export interface RawSendOptions {
  shouldPush: boolean;
  optimistic?: boolean;
  idempotencyKey?: string;
}

export interface RawCreateOptions {
  apiUrl: string;
  appVersion?: string;
  env: string;
  identifier: string;
  identifierKind: 0 | 1;
  inboxId?: string;
  nonce: bigint;
  dbPath?: string | null;
  dbEncryptionKey?: Uint8Array;
}

/** How the streams of a client are connected to the node. */
export type ConnectionState = "idle" | "connecting" | "connected" | "reconnecting";

/** A decision about a conversation or an inbox. */
export interface RawConsent {
  /** 0 conversation, 1 inbox. */
  entityType: number;
  /** 0 unknown, 1 allowed, 2 denied. */
  state: number;
  /** Lower-case hex. */
  entity: string;
}

export type RawPreferenceUpdate =
  | { type: "ConsentUpdate"; consent: RawConsent }
  | { type: "HmacKeyUpdate"; key: Uint8Array };
