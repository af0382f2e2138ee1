import type { ContentCodec } from "./codecs.js";

/** The kinds of identifier an inbox can hold. Numbers on purpose: a string is refused. */
export enum IdentifierKind {
  Ethereum = 0,
  Passkey = 1,
}

/** A wallet address or passkey that belongs to an inbox. */
export interface Identifier {
  /** `0x` and 40 hex digits for {@link IdentifierKind.Ethereum}. */
  identifier: string;
  identifierKind: IdentifierKind;
}

/** What has happened to a message on its way to the network. */
export enum DeliveryStatus {
  /** Stored here, not yet accepted by the node. */
  Unpublished = 0,
  Published = 1,
  Failed = 2,
}

export enum GroupMessageKind {
  /** Something a person sent. */
  Application = 0,
  /** Written locally when members, names or roles changed. */
  MembershipChange = 1,
}

export enum SortDirection {
  Ascending = 0,
  Descending = 1,
}

export enum PermissionLevel {
  Member = 0,
  Admin = 1,
  SuperAdmin = 2,
}

export enum ConsentState {
  Unknown = 0,
  Allowed = 1,
  Denied = 2,
}

/** What a decision is about. */
export enum ConsentEntityType {
  GroupId = 0,
  InboxId = 1,
}

/** A decision about a conversation or a person. */
export interface Consent {
  entityType: ConsentEntityType;
  state: ConsentState;
  /** The conversation's or inbox's id, hex. */
  entity: string;
}

/** A change of the preferences, made here or by another installation. */
export type UserPreferenceUpdate =
  | { type: "ConsentUpdate"; consent: Consent }
  | { type: "HmacKeyUpdate"; key: Uint8Array };

export enum ConversationType {
  Dm = 0,
  Group = 1,
  /** The own installations among themselves; never shown. */
  Sync = 2,
  /** A message carried by a welcome; never shown. */
  Oneshot = 3,
}

export enum ListConversationsOrderBy {
  /** Newest first. */
  CreatedAt = 0,
  /** By the newest message, or the creation where there is none; newest first. */
  LastActivity = 1,
}

/** The rules a new group starts with. */
export enum GroupPermissionsOptions {
  /** Every member may add members and change the name; admins may remove. */
  Default = 0,
  AdminOnly = 1,
  CustomPolicy = 2,
}

/** Names a kind of content; `authorityId/typeId:major.minor` in writing. */
export interface ContentTypeId {
  authorityId: string;
  typeId: string;
  versionMajor: number;
  versionMinor: number;
}

/** Content in the form that is encrypted and sent. */
export interface EncodedContent {
  /** Undefined only in received content whose sender left it out. */
  type?: ContentTypeId;
  parameters: Record<string, string>;
  /** Shown by receivers that do not know the type. */
  fallback?: string;
  content: Uint8Array;
  compression?: number;
}

/** One inbox in a group. */
export interface GroupMember {
  inboxId: string;
  accountIdentifiers: Identifier[];
  /** Lower-case hex, 64 characters each. */
  installationIds: string[];
  permissionLevel: PermissionLevel;
  consentState: ConsentState;
}

export interface GroupMetadata {
  creatorInboxId: string;
  conversationType: ConversationType;
}

/** What a membership or metadata change did; the content of `xmtp.org/group_updated:1.0`. */
export interface GroupUpdated {
  initiatedByInboxId: string;
  addedInboxes: { inboxId: string }[];
  removedInboxes: { inboxId: string }[];
  leftInboxes: { inboxId: string }[];
  metadataFieldChanges: { fieldName: string; oldValue?: string; newValue?: string }[];
  addedAdminInboxes: { inboxId: string }[];
  removedAdminInboxes: { inboxId: string }[];
  addedSuperAdminInboxes: { inboxId: string }[];
  removedSuperAdminInboxes: { inboxId: string }[];
}

export interface CreateGroupOptions {
  groupName?: string;
  groupDescription?: string;
  groupImageUrlSquare?: string;
  appData?: string;
  permissions?: GroupPermissionsOptions;
}

/** Since when and after how long messages disappear, nanoseconds. */
export interface MessageDisappearingSettings {
  fromNs: bigint;
  inNs: bigint;
}

export interface CreateDmOptions {
  /** Of a direct message that is made; one that is found keeps its own. */
  messageDisappearingSettings?: MessageDisappearingSettings;
}

/** Filters of `list`. Times are nanoseconds since the Unix epoch, UTC, exclusive. */
export interface ListConversationsOptions {
  createdAfterNs?: bigint;
  createdBeforeNs?: bigint;
  limit?: bigint;
  /** Default: allowed and unknown, not denied. */
  consentStates?: ConsentState[];
  /** `Dm` or `Group`. Default: both. */
  conversationType?: ConversationType;
  /** Every group of a direct message instead of the one used last. Default false. */
  includeDuplicateDms?: boolean;
  /** Default `CreatedAt`. */
  orderBy?: ListConversationsOrderBy;
}

/** Filters of `messages` and `countMessages`. Times are nanoseconds since the Unix epoch, UTC. */
export interface ListMessagesOptions {
  sentBeforeNs?: bigint;
  sentAfterNs?: bigint;
  insertedBeforeNs?: bigint;
  insertedAfterNs?: bigint;
  limit?: bigint;
  deliveryStatus?: DeliveryStatus;
  direction?: SortDirection;
  kind?: GroupMessageKind;
  excludeSenderInboxIds?: string[];
  /** False: without messages that were removed for everybody; true: those alone. Default: all, with a placeholder. */
  removed?: boolean;
}

export interface SendTextOptions {
  /** Stores the message and returns at once; `publishMessages` sends it. */
  optimistic?: boolean;
  /** Two sends with one key in one group make one message. */
  idempotencyKey?: string;
}

export interface SendOptions extends SendTextOptions {
  /** Whether receivers' devices should be woken; seen by the network. */
  shouldPush: boolean;
}

export type XmtpEnv = "local" | "dev" | "production";

/** The gRPC-web address of each network. */
export const ApiUrls: Readonly<Record<XmtpEnv, string>> = {
  local: "http://localhost:5557",
  dev: "https://api.dev.xmtp.network:5558",
  production: "https://api.production.xmtp.network:5558",
};

export interface RemoveMessageOptions {
  /**
   * `delete`: XIP-45. `deleteMessage`: what today's XMTP apps read (one's own at any time, anybody's as a super admin).
   * Default: the first, and the second too where its rules allow it.
   */
  form?: "delete" | "deleteMessage";
  /** Store only; the next `publishMessages` or `sync` sends it. Default false. */
  optimistic?: boolean;
}

export interface ClientOptions {
  /** Default `dev`, as the package this one follows. */
  env?: XmtpEnv;
  /** Address of a node that speaks gRPC-web, in place of the one of `env`. */
  apiUrl?: string;
  /** `name/version` of the app, sent to the node. */
  appVersion?: string;
  /** Undefined: `xmtp-<env>-<inboxId>.db3` in this origin; null: in memory, gone with the client. */
  dbPath?: string | null;
  /** 32 bytes. The database is encrypted with it; another key cannot open it (`storage.wrong_key`). */
  dbEncryptionKey?: Uint8Array;
  /** Distinguishes several inboxes of one address. Default 1n; only `build` and a first `create` look at it. */
  nonce?: bigint;
  /** Leaves the registration to a later `client.register()`. */
  disableAutoRegister?: boolean;
  /** How the app reads content types of its own. */
  codecs?: ContentCodec[];
  /** Where `worker.js` of this package is, when a build has moved it. */
  workerUrl?: string | URL;
  /** Where `xmtp_web_bg.wasm` of this package is, when a build has moved it. */
  wasmUrl?: string | URL;
}
