// One program that compiles against `@xmtp/browser-sdk` 7.1 and against this package, which takes its place: `sdk` is either.
// What differs between them is in docs/MIGRATING.md and not here.
import {
  ApiUrls,
  Client,
  ConsentEntityType,
  ConsentState,
  ContentType,
  ConversationType,
  DecodedMessage,
  DeliveryStatus,
  Dm,
  Group,
  GroupMessageKind,
  GroupPermissionsOptions,
  IdentifierKind,
  ListConversationsOrderBy,
  MessageSortBy,
  MetadataField,
  PermissionLevel,
  PermissionPolicy,
  PermissionUpdateType,
  ReactionAction,
  ReactionSchema,
  SortDirection,
  contentTypeText,
  createSCWSigner,
  decryptAttachment,
  encodeText,
  encryptAttachment,
  generateInboxId,
  isReaction,
  isReply,
  isText,
  isTextReply,
  metadataFieldName,
  toSafeSigner,
  type AsyncStreamProxy,
  type ClientOptions,
  type Consent,
  type EOASigner,
  type EnrichedReply,
  type GroupMember,
  type Identifier,
  type InboxState,
  type SCWSigner,
  type Signer,
  type StreamOptions,
  type XmtpEnv,
} from "sdk";

const identifier: Identifier = { identifier: "0x2b5ad5c4795c026514f8317c7a215e218dccd6cf", identifierKind: IdentifierKind.Ethereum };
const eoa: EOASigner = { type: "EOA", getIdentifier: () => identifier, signMessage: async () => new Uint8Array(65) };
const scw: SCWSigner = { type: "SCW", getIdentifier: async () => identifier, signMessage: () => new Uint8Array(65), getChainId: () => 1n, getBlockNumber: () => 2n };
const contract: Signer = createSCWSigner("0x2b5ad5c4795c026514f8317c7a215e218dccd6cf", async () => "0x", 8453n);
const env: XmtpEnv = "dev";
const options: ClientOptions = { env, appVersion: "app/1.0", dbPath: null, disableAutoRegister: true, disableDeviceSync: false };

const local: ClientOptions = { env: "local", apiUrl: ApiUrls.local };

export async function accounts(): Promise<void> {
  const client = await Client.create(eoa, options);
  const other = await Client.build(identifier, local);
  await client.register();
  const registered: boolean = await client.isRegistered();
  const reachable: Map<string, boolean> = await client.canMessage([identifier]);
  await Client.canMessage([identifier], "production");
  const inboxId: string | undefined = await client.fetchInboxIdByIdentifier(identifier);
  const states: InboxState[] = await Client.fetchInboxStates(["id"], "dev");
  await client.unsafe_addAccount(scw, true);
  await client.removeAccount(identifier);
  await client.revokeAllOtherInstallations();
  await client.revokeInstallations(states[0]!.installations.map((each) => each.bytes));
  await Client.revokeInstallations(contract, "id", [new Uint8Array(32)], "dev");
  await client.changeRecoveryIdentifier(identifier);
  const { signatureText, signatureRequestId } = await client.unsafe_addAccountSignatureText(identifier, true);
  await client.unsafe_applySignatureRequest(await toSafeSigner(eoa, await eoa.signMessage(signatureText)), signatureRequestId);
  const signed: Uint8Array = await client.signWithInstallationKey("text");
  await client.verifySignedWithInstallationKey("text", signed);
  await client.verifySignedWithPublicKey("text", signed, new Uint8Array(32));
  const statuses = await client.fetchKeyPackageStatuses(["id"]);
  const until: bigint | undefined = statuses.get("id")?.lifetime?.notAfter;
  const counts: Map<string, number> = await client.fetchLatestInboxUpdatesCount(["id"]);
  const own: number = await client.fetchOwnInboxUpdatesCount();
  const derived: string = await generateInboxId(identifier, 1n);
  void [other, registered, reachable, inboxId, until, counts, own, derived, client.libxmtpVersion, client.signer, client.accountIdentifier];
  client.close();
}

export async function conversations(client: Client): Promise<void> {
  await client.conversations.sync();
  await client.conversations.syncAll([ConsentState.Allowed, ConsentState.Unknown]);
  const all: (Group | Dm)[] = await client.conversations.list({
    createdAfterNs: 1n,
    createdBeforeNs: 2n,
    limit: 10n,
    consentStates: [ConsentState.Denied],
    conversationType: ConversationType.Dm,
    includeDuplicateDms: true,
    orderBy: ListConversationsOrderBy.LastActivity,
  });
  const groups: Group[] = await client.conversations.listGroups({ limit: 1n });
  const dms: Dm[] = await client.conversations.listDms();
  const found: Group | Dm | undefined = await client.conversations.getConversationById("id");
  const message: DecodedMessage | undefined = await client.conversations.getMessageById("id");
  await client.conversations.getDmByInboxId("id");
  await client.conversations.fetchDmByIdentifier(identifier);
  const dm = await client.conversations.createDm("id", { messageDisappearingSettings: { fromNs: 1n, inNs: 2n } });
  await client.conversations.createDmWithIdentifier(identifier);
  const peer: string = await dm.peerInboxId();
  await dm.duplicateDms();
  await client.conversations.createGroupOptimistic({ groupName: "a" });
  await client.conversations.createGroupWithIdentifiers([identifier], { permissions: GroupPermissionsOptions.AdminOnly });
  await client.conversations.createGroup(["id"], {
    permissions: GroupPermissionsOptions.CustomPolicy,
    customPermissionPolicySet: {
      addMemberPolicy: PermissionPolicy.Admin,
      removeMemberPolicy: PermissionPolicy.Admin,
      addAdminPolicy: PermissionPolicy.SuperAdmin,
      removeAdminPolicy: PermissionPolicy.SuperAdmin,
      updateGroupNamePolicy: PermissionPolicy.Allow,
      updateGroupDescriptionPolicy: PermissionPolicy.Allow,
      updateGroupImageUrlSquarePolicy: PermissionPolicy.Allow,
      updateMessageDisappearingPolicy: PermissionPolicy.Admin,
      updateAppDataPolicy: PermissionPolicy.Allow,
    },
  });
  const keys = await client.conversations.hmacKeys();
  for (const list of keys.values()) for (const { key, epoch } of list) void [key.length, epoch + 1n];
  void [all, groups, dms, found, message, peer];
}

export async function group(group: Group): Promise<void> {
  await group.updateName("a");
  await group.updateDescription("a");
  await group.updateImageUrl("a");
  await group.updateAppData("a");
  await group.addMembers(["id"]);
  await group.addMembersByIdentifiers([identifier]);
  await group.removeMembers(["id"]);
  await group.removeMembersByIdentifiers([identifier]);
  await group.addAdmin("id");
  await group.removeAdmin("id");
  await group.addSuperAdmin("id");
  await group.removeSuperAdmin("id");
  const lists: string[][] = [await group.listAdmins(), await group.listSuperAdmins(), group.admins, group.superAdmins];
  const is: boolean[] = [await group.isAdmin("id"), await group.isSuperAdmin("id"), await group.isActive(), await group.isPendingRemoval()];
  await group.updatePermission(PermissionUpdateType.UpdateMetadata, PermissionPolicy.Deny, MetadataField.GroupName);
  const { policySet, policyType } = await group.permissions();
  const members: GroupMember[] = await group.members();
  const level: PermissionLevel | undefined = members[0]?.permissionLevel;
  await group.requestRemoval();
  await group.updateConsentState(ConsentState.Allowed);
  const consent: ConsentState = await group.consentState();
  await group.updateMessageDisappearingSettings(1n, 2n);
  await group.removeMessageDisappearingSettings();
  const version: string | undefined = await group.pausedForVersion();
  const times: Map<string, bigint> = await group.lastReadTimes();
  const { epoch } = await group.debugInfo();
  void [lists, is, policySet.addMemberPolicy, policyType, level, consent, version, times, epoch, await metadataFieldName(MetadataField.AppData)];
}

export async function messages(group: Group): Promise<void> {
  const id: string = await group.sendText("a", { optimistic: true, idempotencyKey: "k" });
  await group.sendMarkdown("a");
  await group.sendReaction({ reference: id, referenceInboxId: "id", action: ReactionAction.Added, content: "👍", schema: ReactionSchema.Unicode });
  await group.sendReadReceipt();
  await group.sendReply({ content: await encodeText("a"), reference: id, referenceInboxId: "id" });
  await group.sendAttachment({ filename: "a", mimeType: "text/plain", content: new Uint8Array() });
  const encoded = await encodeText("a");
  await group.send(encoded, { shouldPush: true, optimistic: true });
  const file = await encryptAttachment({ mimeType: "text/plain", content: new Uint8Array() });
  await decryptAttachment(file.payload, {
    url: "https://example.org",
    contentDigest: file.contentDigest,
    secret: file.secret,
    salt: file.salt,
    nonce: file.nonce,
    scheme: "https://",
    contentLength: file.contentLength,
  });
  await group.publishMessages();
  const page: DecodedMessage[] = await group.messages({
    sentAfterNs: 1n,
    sentBeforeNs: 2n,
    limit: 10n,
    deliveryStatus: DeliveryStatus.Published,
    direction: SortDirection.Descending,
    kind: GroupMessageKind.Application,
    excludeSenderInboxIds: ["id"],
    contentTypes: [ContentType.Text],
    excludeContentTypes: [ContentType.ReadReceipt],
    sortBy: MessageSortBy.InsertedAt,
  });
  const count: bigint = await group.countMessages({ contentTypes: [ContentType.Text] });
  for (const message of page) {
    if (isText(message)) message.content?.toUpperCase();
    if (isTextReply(message) && message.content) {
      const answer: string = message.content.content;
      const reply: EnrichedReply<string, unknown> = message.content;
      void [answer, reply];
    }
    const removed: boolean = message.contentType.typeId === "deletedMessage";
    const copy = { ...message, removed };
    void [copy.sentAt.getTime(), copy.expiresAt?.getTime()];
    if (isReply(message)) void [message.content?.referenceId, message.content?.inReplyTo?.id];
    if (isReaction(message)) void message.content?.action;
    void [message.id, message.conversationId, message.senderInboxId, message.sentAt, message.sentAtNs, message.kind, message.fallback, message.numReplies, message.reactions.length, message.expiresAt];
  }
  const { authorityId, typeId, versionMajor } = await contentTypeText();
  void [count, authorityId, typeId, versionMajor];
}

export async function streams(client: Client, group: Group): Promise<void> {
  const options: StreamOptions<DecodedMessage, DecodedMessage> = { retryAttempts: 3, retryDelay: 100, retryOnFail: true, onEnd: () => {}, onFail: () => {}, onRestart: () => {}, onRetry: () => {}, onError: (error) => void error.message };
  const all: AsyncStreamProxy<DecodedMessage> = await client.conversations.streamAllMessages({ consentStates: [ConsentState.Allowed], conversationType: ConversationType.Group });
  for await (const message of all) void message.id;
  const { end, next } = all;
  void [await next(), await end()];
  await client.conversations.streamAllGroupMessages();
  await client.conversations.streamAllDmMessages();
  await client.conversations.stream({ onValue: (conversation) => void conversation.id });
  await client.conversations.streamGroups();
  await client.conversations.streamDms();
  await client.conversations.streamDeletedMessages({ onValue: (message) => void message.id });
  await group.stream({ onValue: (message) => void message.content, disableSync: true });
  void options;
}

export async function preferences(client: Client): Promise<void> {
  const records: Consent[] = [{ entityType: ConsentEntityType.InboxId, entity: "id", state: ConsentState.Denied }];
  await client.preferences.setConsentStates(records);
  const state: ConsentState = await client.preferences.getConsentState(ConsentEntityType.GroupId, "id");
  const { numEligible, numSynced } = await client.preferences.sync();
  await client.preferences.inboxState();
  await client.preferences.fetchInboxState();
  await client.preferences.getInboxStates(["id"]);
  await client.preferences.fetchInboxStates(["id"]);
  for await (const decided of await client.preferences.streamConsent()) void decided[0]?.entity;
  for await (const updates of await client.preferences.streamPreferences()) void updates.length;
  void [state, numEligible, numSynced];
}
