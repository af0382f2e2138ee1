import type { CallOptions } from "./abort.js";
import type { Backend } from "./backend.js";
import type { ContentCodec } from "./codecs.js";
import type { PermissionPolicySet } from "./permissions.js";
import type { VisibilityConfirmationOptions } from "./registration.js";
import type { MessageDisappearingSettings } from "./settings.js";
import type { WasmSource } from "./wasm-source.js";

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

/** An inbox as its identity log says. */
export interface InboxState {
  inboxId: string;
  /** Who may revoke; need not be among the account identifiers. */
  recoveryIdentifier: Identifier;
  installations: Installation[];
  accountIdentifiers: Identifier[];
}

/** One installation of an inbox. */
export interface Installation {
  /** The public key, 32 bytes. */
  bytes: Uint8Array;
  /** The same in lower-case hex. */
  id: string;
  /** When it was added, as it claimed: nanoseconds since the Unix epoch. */
  clientTimestampNs?: bigint;
}

/** From when to when a key package is valid, seconds since the Unix epoch. */
export interface Lifetime {
  notBefore: bigint;
  notAfter: bigint;
}

/** What the node gives out of an installation, so that others can add it to groups. */
export interface KeyPackageStatus {
  /** Seconds since the Unix epoch; undefined when there is no package, or one that does not decode. */
  lifetime?: Lifetime;
  /** Why the installation cannot be added now; undefined when it can. */
  validationError?: string;
}

/** What an authenticator answers when it is given a text, in UTF-8, as its challenge. */
export interface PasskeySignature {
  /** SEC1, 33 or 65 bytes. */
  publicKey: Uint8Array;
  /** DER. */
  signature: Uint8Array;
  authenticatorData: Uint8Array;
  clientDataJson: Uint8Array;
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
  /** A person by their wallet, as the list of XIP-42 knows them. */
  Address = 2,
}

/** What can be decided about. */
export interface ConsentSubject {
  entityType: ConsentEntityType;
  /** The conversation's or inbox's id, hex; or the wallet's address, `0x` and 40 hex digits. */
  entity: string;
}

/** A decision about a conversation or a person. */
export interface Consent extends ConsentSubject {
  state: ConsentState;
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

export enum MessageSortBy {
  SentAt = 0,
  /** When it was stored here. */
  InsertedAt = 1,
}

/** The content types that lists of messages can be filtered by. */
export enum ContentType {
  Actions = 0,
  Attachment = 1,
  /** Every type that is not one of the others. */
  Custom = 2,
  GroupMembershipChange = 3,
  GroupUpdated = 4,
  Intent = 5,
  LeaveRequest = 6,
  Markdown = 7,
  MultiRemoteAttachment = 8,
  Reaction = 9,
  ReadReceipt = 10,
  RemoteAttachment = 11,
  Reply = 12,
  Text = 13,
  TransactionReference = 14,
  WalletSendCalls = 15,
}

/** A key by which a push server knows the own messages of one window of 30 days, and wakes nobody for them. */
export interface HmacKey {
  /** 42 bytes, for HMAC-SHA-256 over a message's payload. */
  key: Uint8Array;
  /** The window, counted from the Unix epoch. */
  epoch: bigint;
}

/** By conversation id, the keys of the window before, the current one and the next. */
export type HmacKeys = Map<string, HmacKey[]>;

/** By inbox id, when its newest read receipt was sent: nanoseconds since the Unix epoch. */
export type LastReadTimes = Map<string, bigint>;

/** How many groups there are, and how many of them were synced. */
export interface GroupSyncSummary {
  numEligible: number;
  numSynced: number;
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

/** An inbox that a change is about. */
export interface Inbox {
  inboxId: string;
}

/** A field of a group's metadata (`group_name` …) before and after a change. */
export interface MetadataFieldChange {
  fieldName: string;
  oldValue?: string;
  newValue?: string;
}

/** What a membership or metadata change did; the content of `xmtp.org/group_updated:1.0`. */
export interface GroupUpdated {
  initiatedByInboxId: string;
  addedInboxes: Inbox[];
  removedInboxes: Inbox[];
  leftInboxes: Inbox[];
  metadataFieldChanges: MetadataFieldChange[];
  addedAdminInboxes: Inbox[];
  removedAdminInboxes: Inbox[];
  addedSuperAdminInboxes: Inbox[];
  removedSuperAdminInboxes: Inbox[];
}

export interface CreateGroupOptions extends CallOptions {
  groupName?: string;
  groupDescription?: string;
  groupImageUrlSquare?: string;
  appData?: string;
  permissions?: GroupPermissionsOptions;
  /** With `permissions: GroupPermissionsOptions.CustomPolicy`, and only with it. */
  customPermissionPolicySet?: PermissionPolicySet;
  messageDisappearingSettings?: MessageDisappearingSettings;
}

export interface CreateDmOptions extends CallOptions {
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
  /** Only these. Default: all. */
  contentTypes?: ContentType[];
  /** None of these. */
  excludeContentTypes?: ContentType[];
  /** Default `SentAt`. */
  sortBy?: MessageSortBy;
}

export interface SendTextOptions extends CallOptions {
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

/** How much is logged, each with what is above it: see docs/guides/errors.md. */
export enum LogLevel {
  Off = 0,
  /** A client that ends, a stream that gives up, a defect of this package. */
  Error = 1,
  /** A call that fails, a stream that breaks. */
  Warn = 2,
  /** Clients that open and close, their tab's role, their connection; calls with `performanceLogging`. */
  Info = 3,
  /** Calls that succeed, streams that open and end. */
  Debug = 4,
  /** Calls that begin, values of streams. */
  Trace = 5,
}

/** The gRPC-web address of each network. */
export const ApiUrls: Readonly<Record<XmtpEnv, string>> = {
  local: "http://localhost:5557",
  dev: "https://api.dev.xmtp.network:5558",
  production: "https://api.production.xmtp.network:5558",
};

/** The history server of each network: archives for one's other installations. */
export const HistorySyncUrls: Readonly<Record<XmtpEnv, string>> = {
  local: "http://localhost:5558",
  dev: "https://message-history.dev.ephemera.network",
  production: "https://message-history.production.ephemera.network",
};

export interface RemoveMessageOptions extends CallOptions {
  /**
   * `delete`: XIP-45. `deleteMessage`: what today's XMTP apps read (one's own at any time, anybody's as a super admin).
   * Default: the first, and the second too where its rules allow it.
   */
  form?: "delete" | "deleteMessage";
  /** Store only; the next `publishMessages` or `sync` sends it. Default false. */
  optimistic?: boolean;
}
/** A network for calls that need no client: as the options of the same names of a client. */
export type NetworkOptions = Pick<ClientOptions, "env" | "apiUrl" | "appVersion" | "workerUrl" | "wasmUrl" | "signal">;

export interface ClientOptions {
  /** Default `dev`, as the package this one follows. */
  env?: XmtpEnv;
  /** Address of a node that speaks gRPC-web, in place of the one of `env`. */
  apiUrl?: string;
  /** The network, by what `createBackend` answered, in place of `env`, `apiUrl` and `appVersion`. */
  backend?: Backend;
  /** `name/version` of the app, sent to the node. */
  appVersion?: string;
  /** Undefined: `xmtp-<env>-<inboxId>.db3` in this origin; null: in memory, gone with the client. */
  dbPath?: string | null;
  /**
   * Where the database lies. Default `opfs`: in this origin's private file system; where there is none opening fails with
   * `storage.unavailable`. `memory`: gone with the client, as with `dbPath: null`, and a new installation each time.
   */
  storage?: "opfs" | "memory";
  /**
   * 32 random bytes that the database is encrypted with; another key cannot open it (`storage.wrong_key`). Left out: a
   * random key, kept in this browser and wrapped by one that no code can read out.
   */
  dbEncryptionKey?: Uint8Array;
  /** Distinguishes several inboxes of one address. Default 1n; only `build` and a first `create` look at it. */
  nonce?: bigint;
  /** Default false: the installations of the inbox tell each other what was decided. */
  disableDeviceSync?: boolean;
  /** Where archives for one's other installations are put; by default that of `env`. Null: nowhere, unless a call says so. */
  historySyncUrl?: string | null;
  /** Leaves the registration to a later `client.register()`. */
  disableAutoRegister?: boolean;
  /** How `register` waits for the node to show the installation. Default: it asks once. */
  waitForRegistrationVisible?: VisibilityConfirmationOptions;
  /** Default false. True: each line of the log is a JSON object with `time`, `level`, `target`, `client`, `message` and details. */
  structuredLogging?: boolean;
  /**
   * Default false. True: how long each call took is told in milliseconds, at level `Info`, and shown in the browser's Performance
   * panel as `xmtp-web` and the call.
   */
  performanceLogging?: boolean;
  /**
   * What is written to the page's console; never ids, addresses, keys, texts. Default `Off`, and `Info` where one of the
   * other two is true.
   */
  loggingLevel?: LogLevel;
  /** How the app reads content types of its own. */
  codecs?: ContentCodec[];
  /** Where `worker.js` of this package is, when a build has moved it, or a function that starts a new worker of it. */
  workerUrl?: string | URL | (() => Worker);
  /**
   * Where `xmtp_web_bg.wasm` of this package is, when a build has moved it; or the file itself, its bytes or compiled, for an app
   * that fetches or keeps it by itself.
   */
  wasmUrl?: WasmSource;
  /** Gives up opening the client, which is then closed again; of no meaning once it is open. */
  signal?: AbortSignal | undefined;
}
