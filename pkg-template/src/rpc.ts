import type {
  Attachment,
  ContentBody,
  EncryptedAttachment,
  EncryptedFile,
  FileContent,
  RemoteAttachment,
} from "./content-types.js";
import type { DatabaseCounts } from "./diagnostics.js";
import type { PlainError } from "./errors.js";
import type { TabRole } from "./events.js";
import type { ConnectionState } from "./network.js";
import type { GroupPermissions, MetadataField, PermissionPolicy, PermissionUpdateType } from "./permissions.js";
import type { ConversationDebugInfo, ConversationPause, MessageDisappearingSettings } from "./settings.js";
import type {
  Consent,
  ConsentEntityType,
  ConsentState,
  ConversationType,
  CreateDmOptions,
  CreateGroupOptions,
  EncodedContent,
  GroupMember,
  GroupSyncSummary,
  GroupMetadata,
  Identifier,
  ListConversationsOptions,
  ListMessagesOptions,
  ContentTypeId,
  DeliveryStatus,
  GroupMessageKind,
  RemoveMessageOptions,
  HmacKeys,
  LastReadTimes,
  InboxState,
  KeyPackageStatus,
  PasskeySignature,
  SendOptions,
  SendTextOptions,
  UserPreferenceUpdate,
} from "./types.js";
import type { ResolvedWasm } from "./wasm-source.js";
import type { Ready } from "./worker-line.js";

/** What the page knows of an open client. */
export interface ClientState {
  inboxId: string;
  installationId: string;
  installationIdBytes: Uint8Array;
  isRegistered: boolean;
  protocolVersion: string;
}

/** What the page knows of a group without asking again. */
export interface GroupSnapshot {
  id: string;
  createdAtNs: bigint;
  addedByInboxId: string;
  name: string;
  description: string;
  imageUrl: string;
  appData: string;
  admins: string[];
  superAdmins: string[];
  metadata: GroupMetadata;
  pausedForVersion: string | undefined;
  minimumSupportedProtocolVersion: string | undefined;
  messageDisappearingSettings: MessageDisappearingSettings | undefined;
  epoch: bigint;
  isActive: boolean;
  permissions: GroupPermissions;
}

/** One stored message, decoded as far as this package knows its type. */
export interface MessageSnapshot {
  id: string;
  conversationId: string;
  senderInboxId: string;
  senderInstallationId: string;
  sentAtNs: bigint;
  insertedAtNs: bigint;
  expiresAtNs: bigint | undefined;
  kind: GroupMessageKind;
  deliveryStatus: DeliveryStatus;
  contentType: ContentTypeId | undefined;
  fallback: string | undefined;
  numReplies: bigint;
  body: ContentBody;
  reactions: MessageSnapshot[];
  /** The message that a reply answers. */
  inReplyTo: MessageSnapshot | undefined;
}

export interface OpenArgs {
  apiUrl: string;
  env: string;
  identifier: Identifier;
  nonce: bigint;
  /** Known when this tab had the client open before: then nobody has to be asked, and nothing is made anew. */
  inboxId?: string;
  appVersion: string | undefined;
  dbPath: string | null | undefined;
  dbEncryptionKey: Uint8Array | undefined;
  disableDeviceSync: boolean;
  wasmUrl: ResolvedWasm | undefined;
  /** The installation that the page knows to have been made here. */
  madeHere?: string | undefined;
}

export type WalletSignature =
  | { type: "EOA"; signature: Uint8Array }
  | { type: "Passkey"; signature: PasskeySignature }
  | { type: "SCW"; address: string; chainId: bigint; blockNumber: bigint | undefined; signature: Uint8Array };

/** What is to change in the own inbox. */
export type InboxChange =
  | { type: "createInbox" }
  | { type: "addAccount"; identifier: Identifier }
  | { type: "removeAccount"; identifier: Identifier }
  | { type: "revokeInstallations"; installationIds: Uint8Array[] }
  | { type: "revokeAllOtherInstallations" }
  | { type: "changeRecoveryIdentifier"; identifier: Identifier };

/** A node to ask about inboxes without being an installation of one. */
export interface DirectoryArgs {
  apiUrl: string;
  appVersion: string | undefined;
  wasmUrl: ResolvedWasm | undefined;
}

export type StreamSource =
  | { type: "conversations"; conversationType: ConversationType | undefined }
  | { type: "allMessages"; conversationType: ConversationType | undefined; consentStates: ConsentState[] | undefined }
  | { type: "deletedMessages" }
  | { type: "messages"; groupId: string }
  | { type: "pauses" }
  | { type: "messageDeletions" }
  | { type: "preferences" }
  | { type: "consentList" }
  | { type: "connection" };

export interface StreamOpenArgs {
  streamId: number;
  source: StreamSource;
  /** Fetch first: with what the stream begins then, its source says. */
  syncFirst: boolean;
  /**
   * For a stream that broke: fetch after opening, and deliver what was stored since then, whoever fetched it. The
   * page drops what it has seen. Nanoseconds since the Unix epoch by this machine's clock, as `insertedAtNs`.
   */
  since: bigint | undefined;
}

export type TextField = "name" | "description" | "imageUrl" | "appData";
export type RoleChange = "addAdmin" | "removeAdmin" | "addSuperAdmin" | "removeSuperAdmin";

/** A group by its id, plus what the call needs. */
type OnGroup<T = unknown> = { groupId: string } & T;

/** What goes into an archive; of `elements`, 1 is conversations and messages, 2 is decisions. */
export interface ArchiveContents {
  elements: number;
  startNs: bigint | undefined;
  endNs: bigint | undefined;
  excludeDisappearingMessages: boolean;
}

/** What an archive says of itself, with `elements` as above. */
export interface ArchiveSummary {
  version: number;
  elements: number;
  exportedAtNs: bigint;
  startNs?: bigint;
  endNs?: bigint;
}

/** An archive that an own installation has put on a server. */
export interface ArchiveOnServer {
  pin: string;
  metadata: ArchiveSummary;
  sentByInstallation: Uint8Array;
}

/** What needs no client, but the module. */
type OnModule<T> = { wasmUrl: ResolvedWasm | undefined } & T;

/** Every request of the page and its answer. Both sides are typed by this. */
export interface Requests {
  "client.open": { args: OpenArgs; result: ClientState };
  "client.signatureText": { args: void; result: string | undefined };
  "client.addSignature": { args: WalletSignature; result: void };
  "client.register": { args: void; result: ClientState };
  "client.isRegistered": { args: void; result: boolean };
  "client.connectionState": { args: void; result: ConnectionState };
  "client.counts": { args: void; result: DatabaseCounts };
  /** By the node's names of its calls. */
  "client.callCounts": { args: void; result: ReadonlyMap<string, bigint> };
  "client.clearCallCounts": { args: void; result: void };
  /** What only the page hears of. */
  "client.network": { args: { online: boolean; visible: boolean }; result: void };
  "client.canMessage": { args: { identifiers: Identifier[] }; result: boolean[] };
  "client.createArchive": { args: ArchiveContents & { key: Uint8Array }; result: Uint8Array };
  "client.importArchive": { args: { data: Uint8Array; key: Uint8Array }; result: void };
  "client.archiveMetadata": { args: { data: Uint8Array; key: Uint8Array }; result: ArchiveSummary };
  "client.sendSyncRequest": { args: ArchiveContents & { serverUrl: string }; result: void };
  "client.sendSyncArchive": { args: ArchiveContents & { pin: string; serverUrl: string }; result: void };
  "client.processSyncArchive": { args: { pin: string | undefined }; result: void };
  "client.availableArchives": { args: { days: number }; result: ArchiveOnServer[] };
  "client.inboxIdForIdentifier": { args: { identifier: Identifier }; result: string | undefined };
  /** Answers the text to sign; undefined when there is nothing to change. */
  "client.signatureRequest": { args: { requestId: string; change: InboxChange }; result: string | undefined };
  "client.applySignatureRequest": { args: { requestId: string; signature: WalletSignature }; result: void };
  "client.inboxStates": { args: { inboxIds: string[]; fromNetwork: boolean }; result: InboxState[] };
  "client.updatesCounts": { args: { inboxIds: string[] }; result: Map<string, number> };
  "client.keyPackageStatuses": { args: { installationIds: string[] }; result: Map<string, KeyPackageStatus> };
  "client.signWithInstallationKey": { args: { text: string }; result: Uint8Array };
  "client.verifySignature": { args: { text: string; signature: Uint8Array; publicKey: Uint8Array }; result: boolean };
  "client.close": { args: void; result: void };
  /** Without a key of the app's own: to a new one that is kept for it. */
  "client.rekey": { args: { dbEncryptionKey: Uint8Array | undefined }; result: void };
  /** Closes the client, in all tabs, and deletes its database. */
  "client.deleteDatabase": { args: void; result: void };

  /** The page goes out of use: it is frozen, or kept for when the person goes back. */
  "tabs.rest": { args: void; result: void };
  "tabs.resume": { args: void; result: void };

  "directory.open": { args: DirectoryArgs; result: void };
  "directory.inboxIds": { args: { identifiers: Identifier[] }; result: (string | undefined)[] };
  "directory.inboxStates": { args: { inboxIds: string[] }; result: InboxState[] };
  "directory.updatesCounts": { args: { inboxIds: string[] }; result: Map<string, number> };
  /** Answers the text to sign. */
  "directory.revokeInstallations": {
    args: { recovery: Identifier; inboxId: string; installationIds: Uint8Array[] };
    result: string;
  };
  "directory.applyRevocation": { args: { signature: WalletSignature }; result: void };

  "conversations.sync": { args: void; result: void };
  "conversations.syncAll": { args: { consentStates: ConsentState[] | undefined }; result: void };
  "conversations.list": { args: ListConversationsOptions; result: GroupSnapshot[] };
  "conversations.byId": { args: { groupId: string }; result: GroupSnapshot | undefined };
  "conversations.createGroup": { args: { inboxIds: string[]; options: CreateGroupOptions }; result: GroupSnapshot };
  "conversations.createGroupWithAddresses": {
    args: { addresses: string[]; options: CreateGroupOptions };
    result: GroupSnapshot;
  };
  "conversations.createGroupOptimistic": { args: { options: CreateGroupOptions }; result: GroupSnapshot };

  "conversations.createDm": { args: { inboxId: string; options: CreateDmOptions }; result: GroupSnapshot };
  "conversations.createDmWithAddress": {
    args: { address: string; options: CreateDmOptions };
    result: GroupSnapshot;
  };
  "conversations.dmByInboxId": { args: { inboxId: string }; result: GroupSnapshot | undefined };
  "conversations.dmByAddress": { args: { address: string }; result: GroupSnapshot | undefined };
  "conversations.byMessageId": { args: { messageId: string }; result: GroupSnapshot | undefined };
  "conversations.messageById": { args: { messageId: string }; result: MessageSnapshot | undefined };
  "conversations.hmacKeys": { args: void; result: HmacKeys };
  "dm.peerInboxId": { args: OnGroup; result: string };
  "dm.duplicates": { args: OnGroup; result: GroupSnapshot[] };

  "group.sync": { args: OnGroup; result: GroupSnapshot };
  "group.snapshot": { args: OnGroup; result: GroupSnapshot };
  "group.members": { args: OnGroup; result: GroupMember[] };
  "group.send": { args: OnGroup<{ content: EncodedContent; options: SendOptions }>; result: string };
  "group.sendContent": { args: OnGroup<{ kind: string; content: unknown; options: SendTextOptions }>; result: string };
  "group.removeMessage": { args: OnGroup<{ messageId: string; options: RemoveMessageOptions }>; result: void };
  "group.publishMessages": { args: OnGroup; result: void };
  "group.messages": { args: OnGroup<{ options: ListMessagesOptions }>; result: MessageSnapshot[] };
  "group.countMessages": { args: OnGroup<{ options: ListMessagesOptions }>; result: bigint };
  "group.hmacKeys": { args: OnGroup; result: HmacKeys };
  "group.lastReadTimes": { args: OnGroup; result: LastReadTimes };
  "group.processStreamedMessage": { args: OnGroup<{ envelope: Uint8Array }>; result: MessageSnapshot[] };
  "group.requestRemoval": { args: OnGroup; result: void };
  "group.isPendingRemoval": { args: OnGroup; result: boolean };
  "group.resend": { args: OnGroup<{ messageId: string }>; result: void };
  "group.discard": { args: OnGroup<{ messageId: string }>; result: void };
  "group.addMembers": { args: OnGroup<{ inboxIds: string[] }>; result: GroupSnapshot };
  "group.addMembersByAddress": { args: OnGroup<{ addresses: string[] }>; result: GroupSnapshot };
  "group.removeMembers": { args: OnGroup<{ inboxIds: string[] }>; result: GroupSnapshot };
  "group.removeMembersByAddress": { args: OnGroup<{ addresses: string[] }>; result: GroupSnapshot };
  "group.update": { args: OnGroup<{ field: TextField; value: string }>; result: GroupSnapshot };
  "group.updatePermission": {
    args: OnGroup<{ type: PermissionUpdateType; policy: PermissionPolicy; field: MetadataField | undefined }>;
    result: GroupSnapshot;
  };
  "group.updateDisappearing": { args: OnGroup<{ settings: MessageDisappearingSettings }>; result: GroupSnapshot };
  "group.setMinimumVersion": { args: OnGroup<{ version: string | undefined }>; result: GroupSnapshot };
  "group.debugInfo": { args: OnGroup; result: ConversationDebugInfo };
  "group.changeRole": { args: OnGroup<{ change: RoleChange; inboxId: string }>; result: GroupSnapshot };

  /** Of a client that is not open. Answers which installation was in it, where that is known. */
  "tools.deleteDatabase": { args: OpenArgs; result: { installationId: string | undefined } };
  /** Of databases that nobody has open, by path or as listed. */
  "opfs.list": { args: void; result: string[] };
  "opfs.capacity": { args: void; result: number };
  "opfs.exists": { args: { path: string }; result: boolean };
  "opfs.installation": { args: { path: string }; result: string | undefined };
  "opfs.delete": { args: { path: string }; result: boolean };
  "opfs.export": { args: { path: string }; result: Uint8Array };
  "opfs.import": { args: { path: string; data: Uint8Array }; result: void };
  "opfs.clear": { args: void; result: void };
  "tools.encode": { args: OnModule<{ kind: string; content: unknown }>; result: EncodedContent };
  "tools.walletAddress": { args: OnModule<{ key: Uint8Array }>; result: string };
  "tools.signAsWallet": { args: OnModule<{ key: Uint8Array; text: string }>; result: Uint8Array };
  "tools.encryptAttachment": { args: OnModule<{ attachment: Attachment }>; result: EncryptedAttachment };
  "tools.decryptAttachment": {
    args: OnModule<{ encryptedBytes: Uint8Array; remoteAttachment: RemoteAttachment }>;
    result: Attachment;
  };
  "tools.encryptFile": {
    args: OnModule<{ file: Blob; filename: string | undefined; mimeType: string }>;
    result: EncryptedFile;
  };
  "tools.decryptFile": {
    args: OnModule<{ encrypted: Blob; remoteAttachment: RemoteAttachment }>;
    result: FileContent;
  };
  "group.consentState": { args: OnGroup; result: ConsentState };
  "group.updateConsentState": { args: OnGroup<{ state: ConsentState }>; result: void };

  "preferences.setConsentStates": { args: { records: Consent[] }; result: void };
  "preferences.sync": { args: void; result: GroupSyncSummary };
  "preferences.getConsentState": { args: { entityType: ConsentEntityType; entity: string }; result: ConsentState };
  "preferences.importConsent": { args: { records: Consent[] }; result: void };
  "preferences.consentList": { args: void; result: Consent[] };
  "preferences.refreshConsentList": { args: void; result: Consent[] };
  "preferences.publishConsentList": { args: void; result: number };
  "preferences.setIdentityKey": { args: { key: Uint8Array }; result: void };
  "preferences.identityKey": { args: void; result: Uint8Array };

  /** Answers the ids of the conversations that exist already, for a stream of conversations. */
  "stream.open": { args: StreamOpenArgs; result: string[] };
  "stream.end": { args: { streamId: number }; result: void };
}

export type Method = keyof Requests;
export type Args<M extends Method> = Requests[M]["args"];
export type Result<M extends Method> = Requests[M]["result"];

export interface StreamValues {
  conversations: GroupSnapshot;
  allMessages: MessageSnapshot;
  deletedMessages: MessageSnapshot;
  messages: MessageSnapshot;
  pauses: ConversationPause;
  messageDeletions: DeletedMessageId;
  preferences: PreferenceChanges;
  consentList: PreferenceChanges;
  connection: ConnectionChange;
}

/** How the streams are connected from now on. */
export interface ConnectionChange {
  connection: ConnectionState;
}

/** A message that is not in the database any more. */
export interface DeletedMessageId {
  conversationId: string;
  messageId: string;
}

/** What one event changed in the preferences. */
export interface PreferenceChanges {
  updates: UserPreferenceUpdate[];
}

/** What a stream carries, whatever its source. */
export type StreamValue = StreamValues[keyof StreamValues];

/** Page to worker. */
export type ToWorker = { [M in Method]: { id: number; method: M; args: Args<M> } }[Method];

/** Worker to page. */
export type ToPage =
  | Ready
  | { type: "answer"; id: number; ok: true; result: unknown }
  | { type: "answer"; id: number; ok: false; error: PlainError }
  | { type: "stream"; streamId: number; event: "value"; value: StreamValue }
  | { type: "stream"; streamId: number; event: "error"; error: PlainError }
  | { type: "stream"; streamId: number; event: "end" }
  | { type: "role"; role: TabRole }
  /** What the database is opened with from now on. */
  | { type: "rekeyed"; dbEncryptionKey: Uint8Array | undefined }
  | { type: "fatal"; error: PlainError };
