/** XMTP v3 for web apps: the page-side classes. Importing this module starts nothing. */
export { Client } from "./client.js";
export { Conversations } from "./conversations.js";
export { Conversation } from "./conversation.js";
export { Dm } from "./dm.js";
export { Group } from "./group.js";
export {
  DecodedMessage,
  isActions,
  isAttachment,
  isComposite,
  isDeletedMessage,
  isGroupMembershipChange,
  isGroupUpdated,
  isIntent,
  isLeaveRequest,
  isMarkdown,
  isMultiRemoteAttachment,
  isReaction,
  isReadReceipt,
  isRemoteAttachment,
  isRemoval,
  isReply,
  isText,
  isTextReply,
  isTransactionReference,
  isWalletSendCalls,
  type EnrichedReply,
} from "./message.js";
export { BackupElementSelectionOption, type ArchiveMetadata, type ArchiveOptions, type AvailableArchiveInfo } from "./archives.js";
export { Preferences } from "./preferences.js";
export {
  createStream,
  DEFAULT_RETRY_ATTEMPTS,
  DEFAULT_RETRY_DELAY,
  type StreamCallback,
  type StreamFunction,
  type StreamValueMutator,
} from "./create-stream.js";
export { AsyncStreamProxy, type StreamOptions } from "./streams.js";
export type { CallOptions } from "./abort.js";
export type { Diagnostics, RecentError } from "./diagnostics.js";
export type { ClientEventName, ClientEvents, ListenerOptions, TabRole } from "./events.js";
export type { ConnectionState } from "./network.js";
export { DebugInformation, type ApiStats, type IdentityStats } from "./statistics.js";
export type { StorageInfo } from "./storage.js";
export { XmtpError } from "./errors.js";
export * from "./error-classes.js";
export { Opfs } from "./opfs.js";
export { Backend, createBackend } from "./backend.js";
export type * from "./names.js";
export { InboxStates } from "./inboxes.js";
export { generateInboxId, getInboxIdForIdentifier, type Network } from "./directory.js";
export type { SignatureRequestText } from "./accounts.js";
export {
  createEOASigner,
  createSCWSigner,
  ethereumIdentifier,
  toSafeSigner,
  type Awaitable,
  type EOASigner,
  type PasskeySigner,
  type SCWSigner,
  type SafeSigner,
  type Signer,
} from "./signers.js";
export * from "./content-types.js";
export type { ContentCodec } from "./codecs.js";
export {
  contentTypeActions,
  contentTypeAttachment,
  contentTypeGroupUpdated,
  contentTypeIntent,
  contentTypeLeaveRequest,
  contentTypeMarkdown,
  contentTypeMultiRemoteAttachment,
  contentTypeReaction,
  contentTypeReadReceipt,
  contentTypeRemoteAttachment,
  contentTypeReply,
  contentTypeText,
  contentTypeTransactionReference,
  contentTypeWalletSendCalls,
  decryptAttachment,
  encodeActions,
  encodeAttachment,
  encodeIntent,
  encodeMarkdown,
  encodeMultiRemoteAttachment,
  encodeReaction,
  encodeReadReceipt,
  encodeRemoteAttachment,
  encodeReply,
  encodeText,
  encodeTransactionReference,
  encodeWalletSendCalls,
  encryptAttachment,
} from "./content.js";
export { decryptFile, encryptFile, uploadFile, type FileOptions } from "./files.js";
export {
  MetadataField,
  metadataFieldName,
  PermissionPolicy,
  PermissionUpdateType,
  type GroupPermissions,
  type PermissionPolicySet,
} from "./permissions.js";
export type {
  ConversationDebugInfo,
  ConversationPause,
  Cursor,
  MessageDisappearingSettings,
} from "./settings.js";
export * from "./types.js";
export type { VisibilityConfirmationOptions } from "./registration.js";
export type { WasmSource } from "./wasm-source.js";
