// A second program for both packages: the names that program.ts does not use. What differs is in docs/MIGRATING.md.
import * as sdk from "sdk";
import {
  AccountAlreadyAssociatedError,
  BackupElementSelectionOption,
  Client,
  ClientNotInitializedError,
  ConsentEntityType,
  ContentType,
  Conversation,
  DEFAULT_RETRY_ATTEMPTS,
  DEFAULT_RETRY_DELAY,
  DeliveryStatus,
  Dm,
  Group,
  GroupNotFoundError,
  HistorySyncUrls,
  IdentifierKind,
  InboxReassignError,
  LogLevel,
  OpfsInitializationError,
  SignerUnavailableError,
  createBackend,
  createStream,
  generateInboxId,
  getInboxIdForIdentifier,
  type Action,
  type Actions,
  type ArchiveMetadata,
  type ArchiveOptions,
  type AvailableArchiveInfo,
  type Attachment,
  type BuiltInContentTypes,
  type ClientOptions,
  type ContentOptions,
  type ConversationDebugInfo,
  type CreateDmOptions,
  type CreateGroupOptions,
  type Cursor,
  type DeviceSyncOptions,
  type EncryptedAttachment,
  type EnrichedReply,
  type ExtractCodecContentTypes,
  type GroupMetadata,
  type GroupPermissions,
  type GroupSyncSummary,
  type GroupUpdated,
  type HmacKey,
  type HmacKeys,
  type Identifier,
  type Inbox,
  type Installation,
  type Intent,
  type KeyPackageStatus,
  type LastReadTimes,
  type LeaveRequest,
  type Lifetime,
  type ListConversationsOptions,
  type ListMessagesOptions,
  type MessageDisappearingSettings,
  type MetadataFieldChange,
  type MultiRemoteAttachment,
  type NetworkOptions,
  type OtherOptions,
  type PermissionPolicySet,
  type Reaction,
  type ReadReceipt,
  type RemoteAttachment,
  type Reply,
  type SafeSigner,
  type SendMessageOpts,
  type SendOpts,
  type StorageOptions,
  type VisibilityConfirmationOptions,
  type StreamCallback,
  type StreamFunction,
  type StreamValueMutator,
  type TransactionMetadata,
  type TransactionReference,
  type UserPreferenceUpdate,
  type WalletCall,
  type WalletSendCalls,
} from "sdk";

const identifier: Identifier = { identifier: "0x2b5ad5c4795c026514f8317c7a215e218dccd6cf", identifierKind: IdentifierKind.Ethereum };
const type = { authorityId: "example.org", typeId: "poke", versionMajor: 1, versionMinor: 0 };

/** A content type of the app. */
const poke = {
  contentType: type,
  encode: (content: { strength: number }) => ({ type, parameters: {}, content: Uint8Array.of(content.strength) }),
  decode: (content: { content: Uint8Array }) => ({ strength: content.content[0] ?? 0 }),
  fallback: () => "poked you",
  shouldPush: () => false,
};

export async function networks(signer: sdk.Signer): Promise<void> {
  const network: NetworkOptions = { env: "dev", appVersion: "app/1.0" };
  const backend = await createBackend(network);
  const patience: VisibilityConfirmationOptions = { quorumPercentage: 0.5, quorumAbsolute: 1, timeoutMs: 10_000 };
  const given: ClientOptions = { backend, dbPath: null, loggingLevel: LogLevel.Warn, structuredLogging: true, performanceLogging: true, waitForRegistrationVisible: patience };
  const client = await Client.create(signer, given);
  await Client.canMessage([identifier], backend);
  await Client.fetchInboxStates(["id"], backend);
  await Client.fetchLatestInboxUpdatesCount(["id"], backend);
  await Client.revokeInstallations(signer, "id", [new Uint8Array(32)], backend);
  const inboxId: string | undefined = await getInboxIdForIdentifier(backend, identifier);
  const options: ClientOptions | undefined = client.options;
  const ready: boolean = client.isReady;
  const parts: (DeviceSyncOptions | ContentOptions | StorageOptions | OtherOptions)[] = [{ disableDeviceSync: true, historySyncUrl: HistorySyncUrls.local }, { codecs: [] }, { dbPath: null }, { disableAutoRegister: true }];
  await Client.build<[typeof poke]>(identifier, { codecs: [poke] });
  void [inboxId, options, ready, parts, await generateInboxId(identifier)];
}

/** The class parameter is a name for what an app's codecs decode. */
export async function typed(client: Client<ExtractCodecContentTypes<[typeof poke]>>): Promise<void> {
  const group: Group<ExtractCodecContentTypes<[typeof poke]>> = await client.conversations.createGroup([]);
  const dm: Dm<BuiltInContentTypes> | undefined = (await client.conversations.listDms())[0] as Dm<BuiltInContentTypes> | undefined;
  const conversation: Conversation<ExtractCodecContentTypes<[typeof poke]>> = group;
  void [dm, conversation];
}

export function caught(error: unknown): string {
  if (error instanceof AccountAlreadyAssociatedError) return error.message;
  if (error instanceof ClientNotInitializedError) return error.message;
  if (error instanceof GroupNotFoundError) return error.message;
  if (error instanceof InboxReassignError) return error.message;
  if (error instanceof OpfsInitializationError) return error.message;
  if (error instanceof SignerUnavailableError) return error.message;
  return String(error);
}

export async function ownStreams(): Promise<void> {
  const begin: StreamFunction<number> = async (callback: StreamCallback<number>, onFail: () => void) => {
    callback(null, 1);
    return () => void onFail;
  };
  const mutate: StreamValueMutator<number, string> = (value) => String(value);
  const stream = await createStream(begin, mutate, { retryAttempts: DEFAULT_RETRY_ATTEMPTS, retryDelay: DEFAULT_RETRY_DELAY, onValue: (text: string) => void text });
  const { value, done } = await stream.next();
  await stream.return();
  void [value, done, stream.isDone];
}

export async function sending(group: Group): Promise<void> {
  const options: SendOpts = { optimistic: true, idempotencyKey: "k" };
  const raw: SendMessageOpts = { shouldPush: false, optimistic: true };
  const attachment: Attachment = { filename: "a.txt", mimeType: "text/plain", content: new Uint8Array() };
  const encrypted: EncryptedAttachment = await sdk.encryptAttachment(attachment);
  const remote: RemoteAttachment = { url: "https://example.org", contentDigest: encrypted.contentDigest, secret: encrypted.secret, salt: encrypted.salt, nonce: encrypted.nonce, scheme: "https://" };
  const several: MultiRemoteAttachment = { attachments: [remote] };
  const metadata: TransactionMetadata = { transactionType: "transfer", currency: "ETH", amount: 1, decimals: 18, fromAddress: "0x", toAddress: "0x" };
  const transaction: TransactionReference = { networkId: "0x1", reference: "0x", metadata };
  const call: WalletCall = { to: "0x", value: "0x0" };
  const calls: WalletSendCalls = { version: "1", chainId: "0x1", from: "0x", calls: [call] };
  const action: Action = { id: "yes", label: "Yes" };
  const actions: Actions = { id: "question", description: "Soup?", actions: [action] };
  const intent: Intent = { id: "question", actionId: "yes", metadata: { sure: true } };
  const reaction: Reaction = { reference: "id", referenceInboxId: "id", action: sdk.ReactionAction.Removed, content: "smile", schema: sdk.ReactionSchema.Shortcode };
  const reply: Reply = { content: await sdk.encodeMarkdown("**a**"), reference: "id", referenceInboxId: "id" };
  const ids: string[] = [
    await group.sendAttachment(attachment, options),
    await group.sendRemoteAttachment(remote, options),
    await group.sendMultiRemoteAttachment(several, options),
    await group.sendTransactionReference(transaction, options),
    await group.sendWalletSendCalls(calls, options),
    await group.sendActions(actions, options),
    await group.sendIntent(intent, options),
    await group.sendReaction(reaction, options),
    await group.sendReply(reply, options),
    await group.sendReadReceipt(options),
    await group.send(await sdk.encodeActions(actions), raw),
  ];
  const encoded = [
    await sdk.encodeAttachment(attachment),
    await sdk.encodeIntent(intent),
    await sdk.encodeMultiRemoteAttachment(several),
    await sdk.encodeReaction(reaction),
    await sdk.encodeReadReceipt({}),
    await sdk.encodeRemoteAttachment(remote),
    await sdk.encodeTransactionReference(transaction),
    await sdk.encodeWalletSendCalls(calls),
  ];
  const types = [
    sdk.contentTypeActions, sdk.contentTypeAttachment, sdk.contentTypeGroupUpdated, sdk.contentTypeIntent, sdk.contentTypeLeaveRequest,
    sdk.contentTypeMarkdown, sdk.contentTypeMultiRemoteAttachment, sdk.contentTypeReaction, sdk.contentTypeReadReceipt,
    sdk.contentTypeRemoteAttachment, sdk.contentTypeReply, sdk.contentTypeText, sdk.contentTypeTransactionReference, sdk.contentTypeWalletSendCalls,
  ];
  void [ids, encoded, types];
}

export function guards(message: sdk.DecodedMessage): unknown {
  if (sdk.isActions(message)) return message.content satisfies Actions | undefined;
  if (sdk.isAttachment(message)) return message.content satisfies Attachment | undefined;
  if (sdk.isGroupUpdated(message)) return message.content satisfies GroupUpdated | undefined;
  if (sdk.isIntent(message)) return message.content satisfies Intent | undefined;
  if (sdk.isLeaveRequest(message)) return message.content satisfies LeaveRequest | undefined;
  if (sdk.isMarkdown(message)) return message.content satisfies string | undefined;
  if (sdk.isMultiRemoteAttachment(message)) return message.content satisfies MultiRemoteAttachment | undefined;
  if (sdk.isReadReceipt(message)) return message.content satisfies ReadReceipt | undefined;
  if (sdk.isRemoteAttachment(message)) return message.content satisfies RemoteAttachment | undefined;
  if (sdk.isTransactionReference(message)) return message.content satisfies TransactionReference | undefined;
  if (sdk.isWalletSendCalls(message)) return message.content satisfies WalletSendCalls | undefined;
  if (sdk.isReply(message)) return message.content satisfies EnrichedReply | undefined;
  return undefined;
}

export async function shapes(client: Client, group: Group, dm: Dm): Promise<void> {
  const made: CreateGroupOptions & CreateDmOptions = { groupName: "a", groupDescription: "b", groupImageUrlSquare: "c", appData: "d" };
  const list: ListConversationsOptions = { includeDuplicateDms: false };
  const lines: ListMessagesOptions = { insertedAfterNs: 1n, insertedBeforeNs: 2n, deliveryStatus: DeliveryStatus.Failed, contentTypes: [ContentType.Actions] };
  const debug: ConversationDebugInfo = await group.debugInfo();
  const cursor: Cursor | undefined = debug.cursor[0];
  const details: unknown[] = [debug.maybeForked, debug.forkDetails, debug.isCommitLogForked, debug.localCommitLog, debug.remoteCommitLog, cursor?.originatorId, cursor?.sequenceId];
  const metadata: GroupMetadata | undefined = group.metadata;
  const permissions: GroupPermissions = (await group.permissions()) as GroupPermissions;
  const settings: MessageDisappearingSettings | undefined = await dm.messageDisappearingSettings();
  const enabled: boolean = await dm.isMessageDisappearingEnabled();
  const keys: HmacKeys = await group.hmacKeys();
  const key: HmacKey | undefined = keys.get("id")?.[0];
  const read: LastReadTimes = await dm.lastReadTimes();
  const status: KeyPackageStatus | undefined = (await client.fetchKeyPackageStatuses(["id"])).get("id");
  const lifetime: Lifetime | undefined = status?.lifetime;
  const installation: Installation | undefined = (await client.preferences.inboxState()).installations[0];
  const synced: GroupSyncSummary = await client.syncAllDeviceSyncGroups();
  const topics: (string | undefined)[] = [group.topic, client.conversations.topic];
  const times: (Date | bigint | undefined)[] = [group.createdAt, group.createdAtNs, installation?.clientTimestampNs];
  const deletions = await client.conversations.streamMessageDeletions({ onValue: (id: string) => void id });
  const updates = (values: UserPreferenceUpdate[]): unknown[] => values.map((each) => (each.type === "ConsentUpdate" ? each.consent.entityType === ConsentEntityType.GroupId : each.key.length));
  const changed = ({ addedInboxes, metadataFieldChanges }: GroupUpdated): [Inbox | undefined, MetadataFieldChange | undefined] => [addedInboxes[0], metadataFieldChanges[0]];
  const policies: PermissionPolicySet = permissions.policySet;
  const last: sdk.DecodedMessage | undefined = await group.lastMessage();
  await group.processStreamedMessage(new Uint8Array());
  const { signatureText, signatureRequestId } = await client.unsafe_createInboxSignatureText();
  const revoke = await client.unsafe_revokeAllOtherInstallationsSignatureText();
  const texts: (string | undefined)[] = [
    signatureText, signatureRequestId, revoke.signatureText,
    (await client.unsafe_removeAccountSignatureText(identifier)).signatureText,
    (await client.unsafe_revokeInstallationsSignatureText([new Uint8Array(32)])).signatureText,
    (await client.unsafe_changeRecoveryIdentifierSignatureText(identifier)).signatureText,
  ];
  const safe = (signer: SafeSigner): string => signer.type;
  void [made, list, lines, details, metadata, settings, enabled, key, read, lifetime, synced, topics, times, deletions, updates, changed, policies, last, texts, safe];
}

export async function archives(client: Client): Promise<void> {
  const { Consent, Messages } = BackupElementSelectionOption;
  const options: ArchiveOptions = { elements: [Consent, Messages], startNs: 1n, endNs: 2n, excludeDisappearingMessages: true };
  const file: Uint8Array = await client.createArchive(new Uint8Array(32), options);
  await client.importArchive(file, new Uint8Array(32));
  const metadata: ArchiveMetadata = await client.archiveMetadata(file, new Uint8Array(32));
  const { backupVersion, elements, exportedAtNs, startNs, endNs } = metadata;
  const known: boolean = elements.includes(BackupElementSelectionOption.Messages) || elements.includes(BackupElementSelectionOption.Consent);
  const times: (bigint | undefined)[] = [exportedAtNs, startNs, endNs];
  await client.sendSyncRequest(options);
  await client.sendSyncArchive("pin", options, HistorySyncUrls.dev);
  await client.processSyncArchive("pin");
  await client.processSyncArchive();
  const found: AvailableArchiveInfo[] = await client.listAvailableArchives(7);
  const makers: Uint8Array[] = found.map(({ pin, sentByInstallation, metadata }) => (pin === "" || metadata.exportedAtNs > 0n ? sentByInstallation : sentByInstallation));
  void [backupVersion, known, times, makers];
}
