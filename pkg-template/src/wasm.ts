/**
 * With `wasm_identity.ts` the one file that knows the raw wasm classes: turns each request of the page into calls on them and their
 * answers into plain objects. Runs in the worker.
 */
import * as raw from "./xmtp_web.js";
import type { RawEncodedContent, RawGroupState, RawListedGroup, RawMessage, RawSendOptions } from "./xmtp_web.js";
import type { Attachment, ContentBody, EncryptedAttachment } from "./content-types.js";
import { deleteFiles, nameHash, sizeOf } from "./database.js";
import type { DatabaseCounts } from "./diagnostics.js";
import { toPlainError, XmtpError, type PlainError } from "./errors.js";
import { sha256Hex } from "./hash.js";
import { deleteKept, Keeper } from "./keys.js";
import * as files from "./opfs-files.js";
import type { GroupPermissions } from "./permissions.js";
import { missedSince } from "./missed.js";
import { ownHost } from "./own-host.js";
import { forgetRequests, identityHandlers } from "./wasm_identity.js";
import { initOf, type ResolvedWasm } from "./wasm-source.js";
import type {
  Args,
  ClientState,
  GroupSnapshot,
  MessageSnapshot,
  Method,
  OpenArgs,
  Result,
  StreamOpenArgs,
  StreamValue,
} from "./rpc.js";
import { decryptPieces, encryptPieces } from "./file-pieces.js";
import {
  ConsentEntityType,
  ConsentState,
  ConversationType,
  DeliveryStatus,
  type SendOptions,
  type UserPreferenceUpdate,
} from "./types.js";

/** What a stream reports, whatever it carries. */
export interface StreamSink {
  value(item: StreamValue): void;
  error(error: PlainError): void;
  end(): void;
}

type Handlers = { [M in Exclude<Method, "stream.open" | "stream.end" | "tabs.rest" | "tabs.resume">]: (args: Args<M>) => Result<M> | Promise<Result<M>> };

let client: raw.Client | undefined;
let conversations: raw.Conversations | undefined;
/** Keeps the key of the open database; undefined for one in memory. */
let keeper: Keeper | undefined;

function open(): { client: raw.Client; conversations: raw.Conversations } {
  if (client === undefined || conversations === undefined) throw new XmtpError("client.closed", "the client is closed");
  return { client, conversations };
}

/** Leaves out what is undefined, which the raw classes tell apart from absent. */
function given<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

function clientState(of: raw.Client): ClientState {
  return {
    inboxId: of.inboxId,
    installationId: of.installationId,
    installationIdBytes: of.installationIdBytes,
    isRegistered: of.isRegistered,
    protocolVersion: of.protocolVersion,
  };
}

/** The state of the client that is open here. */
export function openedState(): ClientState {
  return clientState(open().client);
}

function groupSnapshot(group: raw.Group): GroupSnapshot {
  const { id, createdAtNs, addedByInboxId } = group;
  return snapshotOf({ id, createdAtNs, addedByInboxId, isActive: group.isActive() }, group.state());
}

/** Many at once: a list of hundreds is one text to be read, not as many objects to be asked and freed one by one. */
function listedSnapshots(text: string): GroupSnapshot[] {
  return (JSON.parse(text) as RawListedGroup[]).map(({ state, createdAtNs, ...group }) => {
    const settings = state.messageDisappearingSettings;
    return snapshotOf(
      { ...group, createdAtNs: BigInt(createdAtNs) },
      {
        ...state,
        epoch: BigInt(state.epoch),
        pausedForVersion: state.pausedForVersion ?? undefined,
        minimumSupportedProtocolVersion: state.minimumSupportedProtocolVersion ?? undefined,
        messageDisappearingSettings: settings
          ? { fromNs: BigInt(settings.fromNs), inNs: BigInt(settings.inNs) }
          : undefined,
      },
    );
  });
}

function snapshotOf(
  group: Pick<GroupSnapshot, "id" | "createdAtNs" | "addedByInboxId" | "isActive">,
  state: RawGroupState,
): GroupSnapshot {
  return {
    ...group,
    name: state.name,
    description: state.description,
    imageUrl: state.imageUrl,
    appData: state.appData,
    admins: state.admins,
    superAdmins: state.superAdmins,
    metadata: { creatorInboxId: state.creatorInboxId, conversationType: state.conversationType },
    pausedForVersion: state.pausedForVersion,
    minimumSupportedProtocolVersion: state.minimumSupportedProtocolVersion,
    messageDisappearingSettings: state.messageDisappearingSettings,
    epoch: BigInt(state.epoch),
    permissions: state.permissions as GroupPermissions,
  };
}

/** The same, and gives the group's wasm memory back. */
function consumeGroup(group: raw.Group): GroupSnapshot {
  try {
    return groupSnapshot(group);
  } catch (error) {
    isTrap(error);
    throw error;
  } finally {
    if (!trapped) group.free();
  }
}

function consumeFound(group: raw.Group | undefined): GroupSnapshot | undefined {
  return group && consumeGroup(group);
}

function messageSnapshot(message: RawMessage): MessageSnapshot {
  return {
    id: message.id,
    conversationId: message.conversationId,
    senderInboxId: message.senderInboxId,
    senderInstallationId: message.senderInstallationId,
    sentAtNs: message.sentAtNs,
    insertedAtNs: message.insertedAtNs,
    expiresAtNs: message.expiresAtNs,
    kind: message.kind,
    deliveryStatus: message.deliveryStatus,
    contentType: message.contentType,
    fallback: message.fallback,
    numReplies: message.numReplies,
    body: message.body as ContentBody,
    reactions: message.reactions.map(messageSnapshot),
    inReplyTo: message.inReplyTo && messageSnapshot(message.inReplyTo),
  };
}

function sendOptions(options: SendOptions): RawSendOptions {
  return given(options);
}

/** Runs `use` on a group and frees it afterwards, also when `use` fails. */
async function withGroup<T>(groupId: string, use: (group: raw.Group) => T | Promise<T>): Promise<T> {
  const group = open().conversations.byId(groupId);
  if (group === undefined) {
    throw new XmtpError("group.not_found", "the group is not in the local database", { details: { groupId } });
  }
  try {
    return await use(group);
  } catch (error) {
    isTrap(error);
    throw error;
  } finally {
    // After a trap the instance is unusable: freeing would fail too, and hide the trap.
    if (!trapped) group.free();
  }
}

/** The same on the preferences. */
function withPreferences<T>(use: (preferences: raw.Preferences) => T): T {
  const preferences = open().client.preferences();
  try {
    return use(preferences);
  } catch (error) {
    isTrap(error);
    throw error;
  } finally {
    if (!trapped) preferences.free();
  }
}

async function changed(groupId: string, use: (group: raw.Group) => Promise<void>): Promise<GroupSnapshot> {
  return withGroup(groupId, async (group) => {
    await use(group);
    return groupSnapshot(group);
  });
}

/** How much there is in the database. */
function countAll(): Omit<DatabaseCounts, "bytes"> {
  const counts = { groups: 0, dms: 0, messages: 0, paused: 0, unpublished: 0, failed: 0 };
  for (const group of open().conversations.list({ consentStates: EVERY_CONSENT_STATE })) {
    try {
      const state = group.state();
      counts[state.conversationType === ConversationType.Dm ? "dms" : "groups"] += 1;
      if (state.pausedForVersion !== undefined) counts.paused += 1;
      counts.messages += Number(group.countMessages({}));
      counts.unpublished += Number(group.countMessages({ deliveryStatus: DeliveryStatus.Unpublished }));
      counts.failed += Number(group.countMessages({ deliveryStatus: DeliveryStatus.Failed }));
    } catch (error) {
      isTrap(error);
      throw error;
    } finally {
      if (!trapped) group.free();
    }
  }
  return counts;
}

const updateOf = {
  name: "updateName",
  description: "updateDescription",
  imageUrl: "updateImageUrl",
  appData: "updateAppData",
} as const;

let loading: Promise<unknown> | undefined;

/** Loads the module once. */
function load(wasmUrl: ResolvedWasm | undefined): Promise<unknown> {
  loading ??= raw.default(initOf(wasmUrl)).catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function closeClient(): Promise<void> {
  if (client === undefined) return;
  const closing = client;
  conversations?.free();
  client = conversations = keeper = undefined;
  forgetRequests();
  await closing.close();
}

/** Deletes a database. Refused while somebody has it open. */
async function deleteNamed(name: string): Promise<string | undefined> {
  return deleteKept(await nameHash(name), () => deleteFiles(name));
}

/** Deletes the database that these options name. */
async function deleteClosed({ apiUrl, appVersion, env, identifier, nonce, dbPath }: OpenArgs): Promise<Result<"tools.deleteDatabase">> {
  const remove = async (name: string): Promise<Result<"tools.deleteDatabase">> => {
    return { installationId: await deleteNamed(name) };
  };
  if (typeof dbPath === "string") return remove(dbPath);
  if (dbPath === null) return { installationId: undefined };
  const directory = new raw.Directory(apiUrl, appVersion ?? null);
  let inboxId: string | undefined;
  try {
    [inboxId] = await directory.inboxIds([identifier]);
  } catch (error) {
    // As when it is opened: without the node it is taken for the inbox that the identifier makes.
    if (!["network.unavailable", "network.timeout"].includes(toPlainError(error).code)) throw error;
  } finally {
    if (!trapped) directory.free();
  }
  return remove(`xmtp-${env}-${inboxId ?? (await sha256Hex(`${identifier.identifier}${nonce}`))}.db3`);
}

export const handlers: Handlers = {
  "client.open": async (args) => {
    if (client !== undefined) throw new XmtpError("internal", "this worker already runs a client");
    await load(args.wasmUrl);
    const { identifier, wasmUrl: _, dbPath, dbEncryptionKey, ...rest } = args;
    const known = { isBack: rest.inboxId !== undefined, madeHere: rest.madeHere };
    const keys = dbPath === null ? undefined : new Keeper(dbEncryptionKey, known);
    const opened = await raw.Client.create({
      ...given({ appVersion: rest.appVersion, inboxId: rest.inboxId, dbPath, keeper: keys }),
      apiUrl: await ownHost(args),
      env: rest.env,
      nonce: rest.nonce,
      disableDeviceSync: rest.disableDeviceSync,
      identifier: identifier.identifier,
      identifierKind: identifier.identifierKind,
    } as Parameters<typeof raw.Client.create>[0]);
    try {
      await keys?.opened();
      if (opened.isRegistered) await keys?.installed(opened.installationId);
    } catch (error) {
      await opened.close();
      throw error;
    }
    client = opened;
    conversations = opened.conversations();
    keeper = keys;
    return clientState(opened);
  },
  "client.signatureText": () => open().client.createInboxSignatureText(),
  "client.addSignature": async (args) => {
    if (args.type === "EOA") open().client.addEcdsaSignature(args.signature);
    else if (args.type === "Passkey") open().client.addPasskeySignature(args.signature);
    else await open().client.addContractSignature(args.address, args.chainId, args.blockNumber, args.signature);
  },
  "client.register": async () => {
    const { client } = open();
    await client.register();
    // If it cannot be noted now, the next opening does it.
    await keeper?.installed(client.installationId).catch(() => undefined);
    return clientState(client);
  },
  "client.rekey": async ({ dbEncryptionKey }) => {
    const { client } = open();
    if (keeper === undefined) throw new XmtpError("argument.unsupported", "a database in memory has no key");
    await keeper.rekey(dbEncryptionKey, (key) => client.rekey(key));
  },
  "client.deleteDatabase": async () => {
    open();
    const name = keeper?.name;
    await closeClient();
    if (name !== undefined) await deleteNamed(name);
  },
  "tools.deleteDatabase": async (args) => {
    await load(args.wasmUrl);
    return deleteClosed(args);
  },
  "client.isRegistered": () => open().client.isRegistered,
  "client.connectionState": () => open().client.connectionState(),
  "client.counts": async () => ({ ...countAll(), bytes: keeper && (await sizeOf(keeper.name).catch(() => undefined)) }),
  "client.callCounts": () => open().client.callCounts(),
  "client.clearCallCounts": () => open().client.clearCallCounts(),
  "client.network": ({ online, visible }) => open().client.setNetwork(online, visible),
  ...identityHandlers(() => open().client, trappedNow),
  "client.createArchive": ({ key, elements, startNs, endNs, excludeDisappearingMessages }) =>
    open().client.createArchive(key, elements, startNs, endNs, excludeDisappearingMessages),
  "client.importArchive": ({ data, key }) => open().client.importArchive(data, key),
  "client.sendSyncRequest": ({ elements, startNs, endNs, excludeDisappearingMessages, serverUrl }) =>
    open().client.sendSyncRequest(elements, startNs, endNs, excludeDisappearingMessages, serverUrl),
  "client.sendSyncArchive": ({ pin, elements, startNs, endNs, excludeDisappearingMessages, serverUrl }) =>
    open().client.sendSyncArchive(pin, elements, startNs, endNs, excludeDisappearingMessages, serverUrl),
  "client.processSyncArchive": ({ pin }) => open().client.processSyncArchive(pin),
  "client.availableArchives": ({ days }) => open().client.availableArchives(days),
  "client.archiveMetadata": ({ data, key }) => open().client.archiveMetadata(data, key),
  "client.close": closeClient,

  "conversations.sync": async () => void (await open().conversations.sync()),
  "conversations.syncAll": async ({ consentStates }) => void (await open().conversations.syncAll(consentStates)),
  "conversations.list": (options) => listedSnapshots(open().conversations.listed(given(options))),
  "conversations.byId": ({ groupId }) => consumeFound(open().conversations.byId(groupId)),
  "conversations.createGroup": async ({ inboxIds, options }) =>
    consumeGroup(await open().conversations.createGroup(inboxIds, given(options))),
  "conversations.createGroupWithAddresses": async ({ addresses, options }) =>
    consumeGroup(await open().conversations.createGroupWithAddresses(addresses, given(options))),
  "conversations.createGroupOptimistic": ({ options }) =>
    consumeGroup(open().conversations.createGroupOptimistic(given(options))),

  "conversations.createDm": async ({ inboxId, options }) =>
    consumeGroup(await open().conversations.createDm(inboxId, given(options))),
  "conversations.createDmWithAddress": async ({ address, options }) =>
    consumeGroup(await open().conversations.createDmWithAddress(address, given(options))),
  "conversations.dmByInboxId": ({ inboxId }) => consumeFound(open().conversations.dmByInboxId(inboxId)),
  "conversations.dmByAddress": async ({ address }) => consumeFound(await open().conversations.dmByAddress(address)),
  "conversations.byMessageId": ({ messageId }) => consumeFound(open().conversations.byMessageId(messageId)),
  "conversations.messageById": ({ messageId }) => {
    const message = open().conversations.messageById(messageId);
    return message && messageSnapshot(message);
  },
  "conversations.hmacKeys": () => open().conversations.hmacKeys(),
  "dm.peerInboxId": ({ groupId }) => withGroup(groupId, (group) => group.peerInboxId()),
  "dm.duplicates": ({ groupId }) => withGroup(groupId, (group) => group.duplicateDms().map(consumeGroup)),

  "group.sync": ({ groupId }) => changed(groupId, (group) => group.sync()),
  "group.snapshot": ({ groupId }) => withGroup(groupId, groupSnapshot),
  "group.members": ({ groupId }) => withGroup(groupId, (group) => group.members()),
  "group.send": ({ groupId, content, options }) =>
    withGroup(groupId, (group) => group.send(raw.encodeContent(given(content) as RawEncodedContent), sendOptions(options))),
  "group.sendContent": ({ groupId, kind, content, options }) =>
    withGroup(groupId, (group) => group.sendContent(kind, content, given(options))),
  "group.removeMessage": ({ groupId, messageId, options }) =>
    withGroup(groupId, (group) => group.removeMessage(messageId, given(options))),
  "group.publishMessages": ({ groupId }) => withGroup(groupId, (group) => group.publishMessages()),
  "group.messages": ({ groupId, options }) =>
    withGroup(groupId, (group) => group.messages(given(options)).map(messageSnapshot)),
  "group.countMessages": ({ groupId, options }) =>
    withGroup(groupId, (group) => BigInt(group.countMessages(given(options)))),
  "group.hmacKeys": ({ groupId }) => withGroup(groupId, (group) => group.hmacKeys()),
  "group.lastReadTimes": ({ groupId }) => withGroup(groupId, (group) => group.lastReadTimes()),
  "group.processStreamedMessage": ({ groupId, envelope }) =>
    withGroup(groupId, async (group) => (await group.processStreamedMessage(envelope)).map(messageSnapshot)),
  "group.requestRemoval": ({ groupId }) => withGroup(groupId, (group) => group.requestRemoval()),
  "group.isPendingRemoval": ({ groupId }) => withGroup(groupId, (group) => group.isPendingRemoval()),
  "group.resend": ({ groupId, messageId }) => withGroup(groupId, (group) => group.resend(messageId)),
  "group.discard": ({ groupId, messageId }) => withGroup(groupId, (group) => group.discard(messageId)),
  "group.addMembers": ({ groupId, inboxIds }) => changed(groupId, (group) => group.addMembers(inboxIds)),
  "group.addMembersByAddress": ({ groupId, addresses }) =>
    changed(groupId, (group) => group.addMembersByAddress(addresses)),
  "group.removeMembers": ({ groupId, inboxIds }) => changed(groupId, (group) => group.removeMembers(inboxIds)),
  "group.removeMembersByAddress": ({ groupId, addresses }) =>
    changed(groupId, (group) => group.removeMembersByAddress(addresses)),
  "group.update": ({ groupId, field, value }) => changed(groupId, (group) => group[updateOf[field]](value)),
  "group.updatePermission": ({ groupId, type, policy, field }) =>
    changed(groupId, (group) => group.updatePermission(type, policy, field)),
  "group.updateDisappearing": ({ groupId, settings }) =>
    changed(groupId, (group) => group.updateMessageDisappearingSettings(settings.fromNs, settings.inNs)),
  "group.setMinimumVersion": ({ groupId, version }) =>
    changed(groupId, (group) => group.setMinimumSupportedProtocolVersion(version)),
  "group.debugInfo": ({ groupId }) => withGroup(groupId, (group) => group.debugInfo()),
  "group.changeRole": ({ groupId, change, inboxId }) => changed(groupId, (group) => group[change](inboxId)),

  "opfs.list": files.listDatabases,
  "opfs.capacity": files.countSlots,
  "opfs.exists": ({ path }) => files.hasDatabase(path),
  "opfs.installation": ({ path }) => files.installationIn(path),
  "opfs.delete": ({ path }) => files.deleteDatabase(path),
  "opfs.export": ({ path }) => files.exportDatabase(path),
  "opfs.import": ({ path, data }) => files.importDatabase(path, data),
  "opfs.clear": files.deleteAllDatabases,

  "tools.encode": async ({ kind, content, wasmUrl }) => {
    await load(wasmUrl);
    return raw.encodeTyped(kind, content);
  },
  "tools.walletAddress": async ({ key, wasmUrl }) => {
    await load(wasmUrl);
    return raw.walletAddress(key);
  },
  "tools.signAsWallet": async ({ key, text, wasmUrl }) => {
    await load(wasmUrl);
    return raw.signAsWallet(key, text);
  },
  "tools.encryptAttachment": async ({ attachment, wasmUrl }) => {
    await load(wasmUrl);
    return raw.encryptAttachment(attachment) as EncryptedAttachment;
  },
  "tools.decryptAttachment": async ({ encryptedBytes, remoteAttachment, wasmUrl }) => {
    await load(wasmUrl);
    return raw.decryptAttachment(encryptedBytes, remoteAttachment) as Attachment;
  },
  "tools.encryptFile": async ({ file, filename, mimeType, wasmUrl }) => {
    await load(wasmUrl);
    return encryptPieces(file, filename, mimeType);
  },
  "tools.decryptFile": async ({ encrypted, remoteAttachment, wasmUrl }) => {
    await load(wasmUrl);
    return decryptPieces(encrypted, remoteAttachment);
  },
  "group.consentState": ({ groupId }) => withGroup(groupId, (group) => group.consentState()),
  "group.updateConsentState": ({ groupId, state }) => withGroup(groupId, (group) => group.updateConsentState(state)),

  "preferences.setConsentStates": ({ records }) => withPreferences((preferences) => preferences.setConsentStates(records)),
  "preferences.sync": () => withPreferences((preferences) => preferences.sync()),
  "preferences.getConsentState": ({ entityType, entity }) =>
    withPreferences((preferences): ConsentState | Promise<ConsentState> =>
      entityType === ConsentEntityType.Address
        ? preferences.addressState(entity)
        : preferences.getConsentState(entityType, entity),
    ),
  "preferences.importConsent": ({ records }) => withPreferences((preferences) => preferences.importConsent(records)),
  "preferences.consentList": () => withPreferences((preferences) => preferences.consentList()),
  "preferences.refreshConsentList": async () => {
    await withPreferences((preferences) => preferences.refreshConsentList());
    return withPreferences((preferences) => preferences.consentList());
  },
  "preferences.publishConsentList": () => withPreferences((preferences) => preferences.publishConsentList()),
  "preferences.setIdentityKey": ({ key }) => withPreferences((preferences) => preferences.setIdentityKey(key)),
  "preferences.identityKey": () => withPreferences((preferences) => preferences.identityKey()),
};

/** An open stream. */
export interface OpenStream {
  end(): void;
  /** Ids of the conversations that were there when a stream of conversations began. */
  existing: string[];
}

export async function openStream(args: StreamOpenArgs, sink: StreamSink): Promise<OpenStream> {
  const { source } = args;
  const onError = (error: unknown): void => sink.error(toPlainError(error));
  if (args.syncFirst) {
    // Without a network it begins all the same: what is missed comes when there is one.
    await syncFor(source).catch((error: unknown) => {
      if (!isPassing(error)) throw error;
      onError(error);
    });
  }
  let ended = false;
  const onEnd = (): void => {
    if (ended) return;
    ended = true;
    sink.end();
  };
  /** A value that cannot be read is an error of that value, not the end of the stream. */
  const each =
    <T>(read: (item: T) => StreamValue) =>
    (item: T): void => {
      if (ended) return;
      try {
        sink.value(read(item));
      } catch (error) {
        onError(error);
      }
    };
  const { client, conversations } = open();
  const handle =
    source.type === "messages"
      ? await withGroup(source.groupId, (group) => group.stream(each(messageSnapshot), onError, onEnd))
      : source.type === "allMessages"
        ? conversations.streamAllMessages(each(messageSnapshot), onError, onEnd, filterOf(source))
        : source.type === "preferences"
          ? withPreferences((preferences) => preferences.streamPreferences(each(preferenceChanges), onError, onEnd))
          : source.type === "consentList"
            ? withPreferences((preferences) => preferences.streamConsentList(each(consentChanges), onError, onEnd))
            : source.type === "pauses"
              ? conversations.streamPauses(each(pause), onError, onEnd)
              : source.type === "messageDeletions"
                ? conversations.streamMessageDeletions(each(deletedMessageId), onError, onEnd)
                : source.type === "deletedMessages"
                  ? conversations.streamDeletedMessages(each(messageSnapshot), onError, onEnd)
                  : source.type === "connection"
                    ? client.streamConnection(each((connection) => ({ connection })))
                    : conversations.stream(each(consumeGroup), onError, onEnd, filterOf(source));
  // A state is worth something from the first moment, unlike things that happen.
  if (source.type === "connection") sink.value({ connection: client.connectionState() });
  const end = (): void => {
    if (trapped) return;
    ended = true;
    handle.end();
  };
  const every = { consentStates: EVERY_CONSENT_STATE, includeDuplicateDms: true };
  const existing =
    source.type === "conversations" ? conversations.list(every).map((group) => consumeGroup(group).id) : [];
  if (args.since !== undefined) {
    try {
      // Without a network it is told what is stored; the rest comes by the stream when there is one.
      await syncFor(source).catch((error: unknown) => {
        if (!isPassing(error)) throw error;
      });
      await deliverSince(source, args.since, sink);
    } catch (error) {
      end();
      throw error;
    }
  }
  return { end, existing };
}

const EVERY_CONSENT_STATE = [ConsentState.Unknown, ConsentState.Allowed, ConsentState.Denied];

/** The part of a source that the raw streams and lists take. */
function filterOf(source: Extract<StreamOpenArgs["source"], { type: "conversations" | "allMessages" }>): object {
  const consentStates = source.type === "allMessages" ? source.consentStates : undefined;
  return given({ conversationType: source.conversationType, consentStates });
}

/** What was stored while a stream was broken never went through it: other calls may have fetched it. */
async function deliverSince(source: StreamOpenArgs["source"], since: bigint, sink: StreamSink): Promise<void> {
  // What changed meanwhile is in the database; these tell moments, not states.
  if (source.type === "preferences" || source.type === "consentList" || source.type === "pauses") return;
  if (source.type === "messageDeletions" || source.type === "connection") return;
  const deliver = (groupId: string): Promise<void> =>
    withGroup(groupId, (group) => {
      const missed = missedSince(since, open().client.installationId, (options) => group.messages(options));
      for (const message of missed) sink.value(messageSnapshot(message));
    });
  if (source.type === "messages") return deliver(source.groupId);
  const all = source.type === "allMessages" ? {} : { consentStates: EVERY_CONSENT_STATE };
  const filter = source.type === "deletedMessages" ? {} : filterOf(source);
  const groups = open().conversations.list({ ...all, ...filter }).map(consumeGroup);
  if (source.type === "conversations") {
    for (const group of groups) sink.value(group);
    return;
  }
  if (source.type === "deletedMessages") {
    // which were removed meanwhile is not remembered: all that are removed are told
    for (const { id } of groups) {
      const removed = await withGroup(id, (group) => group.messages({ removed: true }).map(messageSnapshot));
      for (const message of removed) sink.value(message);
    }
    return;
  }
  for (const { id } of groups) await deliver(id);
}

function pause({ conversationId, pausedForVersion }: raw.RawPause): StreamValue {
  return { conversationId, pausedForVersion };
}

function deletedMessageId({ conversationId, messageId }: raw.RawDeletedMessage): StreamValue {
  return { conversationId, messageId };
}

function consentChanges(consents: raw.RawConsent[]): StreamValue {
  return { updates: consents.map((consent) => ({ type: "ConsentUpdate", consent })) };
}

function preferenceChanges(updates: raw.RawPreferenceUpdate[]): StreamValue {
  return { updates: updates as UserPreferenceUpdate[] };
}

async function syncFor(source: StreamOpenArgs["source"]): Promise<void> {
  // The list is read once it is followed.
  if (source.type === "connection" || source.type === "consentList") return;
  if (source.type === "messages") await withGroup(source.groupId, (group) => group.sync());
  else if (source.type === "preferences") await withPreferences((preferences) => preferences.sync());
  else if (source.type === "pauses" || source.type === "deletedMessages") await open().conversations.syncAll();
  // Welcomes alone: what was said since this installation read last comes by the stream.
  else await open().conversations.sync();
}

/** Whether a failure is one of the moment, as that of a network. */
function isPassing(error: unknown): boolean {
  if (isTrap(error)) return false;
  const { code, retryable } = toPlainError(error);
  return retryable || code.startsWith("network.");
}

let trapped = false;

function trappedNow(): boolean {
  return trapped;
}

/** Whether an error ended the wasm instance. Nothing in it may be called afterwards. */
export function isTrap(error: unknown): boolean {
  if (error instanceof WebAssembly.RuntimeError) trapped = true;
  return error instanceof WebAssembly.RuntimeError;
}
