/**
 * What the page-side code expects of the module that wasm-bindgen generates (`xmtp_web.js` beside this file in
 * the built package). The generated declarations take this file's place there; `npm run check` compares the two. The
 * plain objects are declared once, where the bindings make them.
 */
import type {
  ConnectionState,
  RawArchiveMetadata,
  RawAvailableArchive,
  RawConsent,
  RawCreateOptions,
  RawDebugInfo,
  RawDeletedMessage,
  RawEncodedContent,
  RawEncryptedAttachment,
  RawEncryptedFile,
  RawFileInfo,
  RawGroupState,
  RawHmacKey,
  RawIdentifier,
  RawInboxState,
  RawKeyPackageStatus,
  RawMember,
  RawMessage,
  RawPasskeySignature,
  RawPause,
  RawPreferenceUpdate,
  RawRemoveOptions,
  RawSendOptions,
  RawSyncSummary,
  RawTypedSendOptions,
} from "../../src/bindings/types.js";

export type * from "../../src/bindings/types.js";

export default function init(options?: {
  module_or_path?: string | URL | Request | Response | BufferSource | WebAssembly.Module;
}): Promise<unknown>;

/** The address of a wallet's private key, 32 bytes. */
export function walletAddress(key: Uint8Array): string;
/** An EIP-191 signature by such a key: 65 bytes. */
export function signAsWallet(key: Uint8Array, text: string): Uint8Array;

/** Encodes an `EncodedContent` as its protobuf message. */
export function encodeContent(content: RawEncodedContent): Uint8Array;
/** Encodes content of a type, without making it bytes yet. */
export function encodeTyped(kind: string, content: unknown): RawEncodedContent;
export function encryptAttachment(attachment: unknown): RawEncryptedAttachment;
export function decryptAttachment(bytes: Uint8Array, remote: unknown): unknown;
export class FileEncryptor {
  private constructor();
  static begin(info: RawFileInfo): FileEncryptor;
  update(piece: Uint8Array): Uint8Array;
  finish(): RawEncryptedFile;
  free(): void;
}
export class FileDecryptor {
  private constructor();
  static begin(remote: object, byteLength: number): FileDecryptor;
  check(piece: Uint8Array): void;
  checked(): void;
  update(piece: Uint8Array): Uint8Array;
  finish(): RawFileInfo;
  free(): void;
}
/** The opposite of {@link encodeContent}; throws `message.invalid_content`. */
export function decodeContent(bytes: Uint8Array): RawEncodedContent;

/** Whether a signature of a text is by an installation's key, which is its id (32 bytes). */
export function verifySignedWithPublicKey(text: string, signature: Uint8Array, publicKey: Uint8Array): boolean;

/** A change of an inbox that waits for signatures. */
export class SignatureRequest {
  private constructor();
  signatureText(): string;
  /** Addresses, passkeys and installations in lower-case hex. */
  missingSigners(): string[];
  addEcdsaSignature(bytes: Uint8Array): void;
  addPasskeySignature(assertion: RawPasskeySignature): void;
  addContractSignature(
    address: string,
    chainId: bigint,
    blockNumber: bigint | undefined,
    bytes: Uint8Array,
  ): Promise<void>;
  free(): void;
}

/** The inboxes of a network, for whom has no installation. */
export class Directory {
  constructor(apiUrl: string, appVersion?: string | null);
  inboxIds(identifiers: RawIdentifier[]): Promise<(string | undefined)[]>;
  inboxStates(inboxIds: string[]): Promise<RawInboxState[]>;
  updatesCounts(inboxIds: string[]): Promise<Map<string, number>>;
  revokeInstallations(recovery: RawIdentifier, inboxId: string, installationIds: Uint8Array[]): SignatureRequest;
  applySignatureRequest(request: SignatureRequest): Promise<void>;
  free(): void;
}

export class StreamHandle {
  end(): void;
  free(): void;
}

type OnItem<T> = (item: T) => void;
type OnError = (error: unknown) => void;
type OnEnd = () => void;

export class Group {
  readonly id: string;
  readonly createdAtNs: bigint;
  readonly addedByInboxId: string;
  isActive(): boolean;
  state(): RawGroupState;
  members(): RawMember[];
  sync(): Promise<void>;
  send(content: Uint8Array, options: RawSendOptions): Promise<string>;
  sendText(text: string, options: RawSendOptions): Promise<string>;
  sendContent(kind: string, content: unknown, options: RawTypedSendOptions): Promise<string>;
  removeMessage(messageId: string, options: RawRemoveOptions): Promise<void>;
  publishMessages(): Promise<void>;
  /** Queues a failed message again and publishes it. */
  resend(messageId: string): Promise<void>;
  /** Deletes a failed message. */
  discard(messageId: string): void;
  /** 0 unknown, 1 allowed, 2 denied. */
  consentState(): number;
  updateConsentState(state: number): void;
  messages(options: object): RawMessage[];
  countMessages(options: object): number | bigint;
  addMembers(inboxIds: string[]): Promise<void>;
  addMembersByAddress(addresses: string[]): Promise<void>;
  removeMembers(inboxIds: string[]): Promise<void>;
  removeMembersByAddress(addresses: string[]): Promise<void>;
  updateName(value: string): Promise<void>;
  updateDescription(value: string): Promise<void>;
  updateImageUrl(value: string): Promise<void>;
  updateAppData(value: string): Promise<void>;
  addAdmin(inboxId: string): Promise<void>;
  removeAdmin(inboxId: string): Promise<void>;
  addSuperAdmin(inboxId: string): Promise<void>;
  removeSuperAdmin(inboxId: string): Promise<void>;
  updateMessageDisappearingSettings(fromNs: bigint, inNs: bigint): Promise<void>;
  setMinimumSupportedProtocolVersion(version: string | undefined): Promise<void>;
  debugInfo(): Promise<RawDebugInfo>;
  updatePermission(permissionType: number, policy: number, metadataField: number | undefined): Promise<void>;
  /** Of a direct message. */
  peerInboxId(): string;
  duplicateDms(): Group[];
  requestRemoval(): Promise<void>;
  isPendingRemoval(): boolean;
  hmacKeys(): Map<string, RawHmacKey[]>;
  processStreamedMessage(envelope: Uint8Array): Promise<RawMessage[]>;
  lastReadTimes(): Map<string, bigint>;
  stream(onItem: OnItem<RawMessage>, onError: OnError, onEnd: OnEnd): StreamHandle;
  free(): void;
}

export class Conversations {
  sync(): Promise<number | void>;
  syncAll(consentStates?: number[]): Promise<number | void>;
  list(options?: object): Group[];
  listed(options?: object): string;
  byId(id: string): Group | undefined;
  messageById(id: string): RawMessage | undefined;
  byMessageId(id: string): Group | undefined;
  hmacKeys(): Map<string, RawHmacKey[]>;
  createGroup(inboxIds: string[], options: object): Promise<Group>;
  createGroupWithAddresses(addresses: string[], options: object): Promise<Group>;
  createGroupOptimistic(options: object): Group;
  createDm(inboxId: string, options: object): Promise<Group>;
  createDmWithAddress(address: string, options: object): Promise<Group>;
  dmByInboxId(inboxId: string): Group | undefined;
  dmByAddress(address: string): Promise<Group | undefined>;
  stream(onItem: OnItem<Group>, onError: OnError, onEnd: OnEnd, filter?: object): StreamHandle;
  streamAllMessages(onItem: OnItem<RawMessage>, onError: OnError, onEnd: OnEnd, filter?: object): StreamHandle;
  streamPauses(onItem: OnItem<RawPause>, onError: OnError, onEnd: OnEnd): StreamHandle;
  streamMessageDeletions(onItem: OnItem<RawDeletedMessage>, onError: OnError, onEnd: OnEnd): StreamHandle;
  streamDeletedMessages(onItem: OnItem<RawMessage>, onError: OnError, onEnd: OnEnd): StreamHandle;
  free(): void;
}

export class Preferences {
  setConsentStates(records: RawConsent[]): void;
  getConsentState(entityType: number, entity: string): number;
  sync(): Promise<RawSyncSummary>;
  streamConsent(onItem: OnItem<RawConsent[]>, onError: OnError, onEnd: OnEnd): StreamHandle;
  streamPreferences(onItem: OnItem<RawPreferenceUpdate[]>, onError: OnError, onEnd: OnEnd): StreamHandle;
  setIdentityKey(key: Uint8Array): void;
  identityKey(): Uint8Array;
  consentList(): RawConsent[];
  importConsent(records: RawConsent[]): void;
  addressState(address: string): Promise<number>;
  refreshConsentList(): Promise<void>;
  publishConsentList(): Promise<number>;
  streamConsentList(onItem: OnItem<RawConsent[]>, onError: OnError, onEnd: OnEnd): StreamHandle;
  free(): void;
}

export class Client {
  private constructor();
  static create(options: RawCreateOptions): Promise<Client>;
  readonly inboxId: string;
  readonly installationId: string;
  readonly installationIdBytes: Uint8Array;
  readonly isRegistered: boolean;
  readonly protocolVersion: string;
  createInboxSignatureText(): string | undefined;
  addEcdsaSignature(bytes: Uint8Array): void;
  addContractSignature(
    address: string,
    chainId: bigint,
    blockNumber: bigint | undefined,
    bytes: Uint8Array,
  ): Promise<void>;
  register(): Promise<void>;
  addPasskeySignature(assertion: RawPasskeySignature): void;
  createArchive(
    key: Uint8Array,
    elements: number,
    startNs: bigint | undefined,
    endNs: bigint | undefined,
    excludeDisappearingMessages: boolean,
  ): Uint8Array;
  importArchive(data: Uint8Array, key: Uint8Array): void;
  archiveMetadata(data: Uint8Array, key: Uint8Array): RawArchiveMetadata;
  sendSyncRequest(
    elements: number,
    startNs: bigint | undefined,
    endNs: bigint | undefined,
    excludeDisappearingMessages: boolean,
    serverUrl: string,
  ): Promise<void>;
  sendSyncArchive(
    pin: string,
    elements: number,
    startNs: bigint | undefined,
    endNs: bigint | undefined,
    excludeDisappearingMessages: boolean,
    serverUrl: string,
  ): Promise<void>;
  processSyncArchive(pin: string | undefined): Promise<void>;
  availableArchives(days: number): RawAvailableArchive[];
  canMessage(identifiers: RawIdentifier[]): Promise<boolean[]>;
  inboxIdForIdentifier(identifier: RawIdentifier): Promise<string | undefined>;
  addIdentifier(identifier: RawIdentifier): SignatureRequest;
  removeIdentifier(identifier: RawIdentifier): Promise<SignatureRequest>;
  revokeInstallations(installationIds: Uint8Array[]): Promise<SignatureRequest>;
  revokeAllOtherInstallations(): Promise<SignatureRequest | undefined>;
  changeRecoveryIdentifier(identifier: RawIdentifier): Promise<SignatureRequest>;
  applySignatureRequest(request: SignatureRequest): Promise<void>;
  inboxStates(inboxIds: string[], fromNetwork: boolean): Promise<RawInboxState[]>;
  updatesCounts(inboxIds: string[]): Promise<Map<string, number>>;
  keyPackageStatuses(installationIds: string[]): Promise<Map<string, RawKeyPackageStatus>>;
  signWithInstallationKey(text: string): Uint8Array;
  conversations(): Conversations;
  preferences(): Preferences;
  connectionState(): ConnectionState;
  callCounts(): Map<string, bigint>;
  clearCallCounts(): void;
  /** What the page knows: whether there is a network, and whether the window is in sight. */
  setNetwork(online: boolean, visible: boolean): void;
  streamConnection(onState: (state: ConnectionState) => void): StreamHandle;
  /** Encrypts the database with another key, 32 bytes. */
  rekey(key: Uint8Array): void;
  close(): Promise<void>;
  free(): void;
}
