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
  expiresAtNs?: bigint | undefined;
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

export interface RawFileInfo {
  filename?: string;
  mimeType: string;
  /** Bytes. */
  size: number;
}

/** The end of an encrypted file, and what goes into the message. */
export interface RawEncryptedFile {
  tail: Uint8Array;
  contentDigest: string;
  secret: Uint8Array;
  salt: Uint8Array;
  nonce: Uint8Array;
  contentLength: number;
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
  minimumSupportedProtocolVersion?: string | undefined;
  messageDisappearingSettings?: { fromNs: bigint; inNs: bigint } | undefined;
  epoch: bigint;
  permissions: object;
}

/** What `Conversations.listed` answers as JSON: 64-bit numbers are strings, what is absent is null. */
export interface RawListedGroup {
  id: string;
  createdAtNs: string;
  addedByInboxId: string;
  isActive: boolean;
  state: Omit<
    RawGroupState,
    "epoch" | "pausedForVersion" | "minimumSupportedProtocolVersion" | "messageDisappearingSettings"
  > & {
    epoch: string;
    pausedForVersion: string | null;
    minimumSupportedProtocolVersion: string | null;
    messageDisappearingSettings: { fromNs: string; inNs: string } | null;
  };
}

/** A wallet (kind 0: `0x` and 40 hex digits) or passkey (kind 1: hex of its public key). */
export interface RawIdentifier {
  identifier: string;
  identifierKind: number;
}

/** An inbox as its identity log says. */
export interface RawInboxState {
  inboxId: string;
  recoveryIdentifier: RawIdentifier;
  installations: RawInstallation[];
  accountIdentifiers: RawIdentifier[];
}

export interface RawInstallation {
  /** The public key, 32 bytes. */
  bytes: Uint8Array;
  /** The same in lower-case hex. */
  id: string;
  /** When it was added, as it claimed: nanoseconds since the Unix epoch. */
  clientTimestampNs?: bigint | undefined;
}

/** What a node gives out of an installation, judged now. */
export interface RawKeyPackageStatus {
  /** Seconds since the Unix epoch; undefined when the package does not decode. */
  lifetime?: { notBefore: bigint; notAfter: bigint } | undefined;
  /** Why the installation cannot be added; undefined when it can. */
  validationError?: string | undefined;
}

/** What an authenticator answered to the text as challenge. */
export interface RawPasskeySignature {
  publicKey: Uint8Array;
  signature: Uint8Array;
  authenticatorData: Uint8Array;
  clientDataJson: Uint8Array;
}

export interface RawMember {
  inboxId: string;
  accountIdentifiers: { identifier: string; identifierKind: number }[];
  installationIds: string[];
  permissionLevel: number;
  consentState: number;
}

/** A conversation that stopped or went on. */
export interface RawPause {
  conversationId: string;
  pausedForVersion?: string | undefined;
}

/** A message that is gone. */
export interface RawDeletedMessage {
  conversationId: string;
  messageId: string;
}

export interface RawDebugInfo {
  epoch: bigint;
  maybeForked: boolean;
  forkDetails: string;
  isCommitLogForked?: boolean;
  localCommitLog: string;
  remoteCommitLog: string;
  cursor: { originatorId: number; sequenceId: bigint }[];
}

/** A key by which a push server knows the own messages of one window of 30 days. */
export interface RawHmacKey {
  /** 42 bytes. */
  key: Uint8Array;
  epoch: bigint;
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
  /** Keeps keys for the app; `dbEncryptionKey` is then its business. */
  keeper?: {
    /** The directory of a database, one path component. */
    directory(name: string): Promise<string>;
    /** The next key to try, and whether the file is in clear and gets it; throws when there is none. */
    key(exists: boolean, clear: boolean, failed?: string): Promise<{ key: Uint8Array; clear: boolean }>;
  };
  /** For tests: the version minimum versions are compared with, instead of the own one. Not above that. */
  protocolVersion?: string;
  disableDeviceSync?: boolean;
}

/** How the streams of a client are connected to the node. */
export type ConnectionState = "idle" | "connecting" | "connected" | "reconnecting";

/** A decision about a conversation or an inbox. */
export interface RawConsent {
  /** 0 conversation, 1 inbox, 2 address. */
  entityType: number;
  /** 0 unknown, 1 allowed, 2 denied. */
  state: number;
  /** Lower-case hex; an address begins with `0x`. */
  entity: string;
}

export type RawPreferenceUpdate =
  | { type: "ConsentUpdate"; consent: RawConsent }
  | { type: "HmacKeyUpdate"; key: Uint8Array };

/** What an archive says of itself; of `elements`, 1 is conversations and messages, 2 is decisions. */
export interface RawArchiveMetadata {
  version: number;
  elements: number;
  exportedAtNs: bigint;
  startNs?: bigint;
  endNs?: bigint;
}

/** An archive that an own installation has put on a server. */
export interface RawAvailableArchive {
  pin: string;
  metadata: RawArchiveMetadata;
  sentByInstallation: Uint8Array;
}

/** How many groups there are, and how many of them were synced. */
export interface RawSyncSummary {
  numEligible: number;
  numSynced: number;
}
