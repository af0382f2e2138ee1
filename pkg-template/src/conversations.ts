import { abortable, withoutSignal, type CallOptions } from "./abort.js";
import type { Channel } from "./channel.js";
import { Dm } from "./dm.js";
import { invalidArgument, unsupported } from "./errors.js";
import { checkInboxIds, Group } from "./group.js";
import { DecodedMessage } from "./message.js";
import { checkBigints, checkKeys, signalled } from "./options.js";
import { checkNewPermissions } from "./permissions.js";
import type { DeletedMessageId, GroupSnapshot, MessageSnapshot } from "./rpc.js";
import { checkDisappearing, type ConversationPause } from "./settings.js";
import { addressesOf } from "./signers.js";
import { openStream, type AsyncStreamProxy, type StreamOptions } from "./streams.js";
import {
  ConsentState,
  ConversationType,
  type CreateDmOptions,
  type CreateGroupOptions,
  type HmacKeys,
  type Identifier,
  type ListConversationsOptions,
} from "./types.js";

/** The conversations of a client. */
export class Conversations<_ContentTypes = unknown> {
  readonly #channel: Channel;
  /** The topic of this installation's welcomes, by which push servers name it. */
  readonly topic: string;

  /** @internal */
  constructor(channel: Channel, installationId: string) {
    this.#channel = channel;
    this.topic = `/xmtp/mls/1/w-${installationId}/proto`;
  }

  /** Fetches welcomes: conversations others have added this installation to. */
  async sync(options: CallOptions = {}): Promise<void> {
    await signalled("sync", options, () => this.#channel.call("conversations.sync"));
  }

  /** Fetches welcomes and whatever is new in every conversation, or in those with one of these consent states. */
  async syncAll(consentStates?: ConsentState[], options: CallOptions = {}): Promise<void> {
    checkConsentStates(consentStates);
    await signalled("syncAll", options, () => this.#channel.call("conversations.syncAll", { consentStates }));
  }

  /** Conversations of the local database, a direct message as one however many groups it has. */
  async list(options: ListConversationsOptions = {}): Promise<(Group | Dm)[]> {
    checkListOptions("list", options, ["conversationType"]);
    const found = await this.#channel.call("conversations.list", options);
    return found.map((snapshot) => this.#conversation(snapshot));
  }

  async listGroups(options: Omit<ListConversationsOptions, "conversationType"> = {}): Promise<Group[]> {
    checkListOptions("listGroups", options);
    const found = await this.#channel.call("conversations.list", { ...options, conversationType: ConversationType.Group });
    return found.map((snapshot) => new Group(this.#channel, snapshot));
  }

  async listDms(options: Omit<ListConversationsOptions, "conversationType"> = {}): Promise<Dm[]> {
    checkListOptions("listDms", options);
    const found = await this.#channel.call("conversations.list", { ...options, conversationType: ConversationType.Dm });
    return found.map((snapshot) => new Dm(this.#channel, snapshot));
  }

  /** A conversation of the local database; undefined also for what is no id. */
  async getConversationById(id: string): Promise<Group | Dm | undefined> {
    const found = await this.#channel.call("conversations.byId", { groupId: id });
    return found && this.#conversation(found);
  }

  /** The direct message with an inbox, in the local database; undefined also for what is no inbox id. */
  async getDmByInboxId(inboxId: string): Promise<Dm | undefined> {
    const found = await this.#channel.call("conversations.dmByInboxId", { inboxId });
    return found && new Dm(this.#channel, found);
  }

  /** The same by an identifier, whose inbox the node is asked for. */
  async fetchDmByIdentifier(identifier: Identifier, options: CallOptions = {}): Promise<Dm | undefined> {
    const [address] = addressesOf([identifier]);
    const args = { address: address as string };
    const found = await signalled("fetchDmByIdentifier", options, () => this.#channel.call("conversations.dmByAddress", args));
    return found && new Dm(this.#channel, found);
  }

  /** Finds the direct message with an inbox, or makes one. */
  async createDm(inboxId: string, options: CreateDmOptions = {}): Promise<Dm> {
    checkInboxIds([inboxId]);
    checkDmOptions(options);
    const args = { inboxId, options: withoutSignal(options) };
    const made = abortable(options.signal, () => this.#channel.call("conversations.createDm", args));
    return new Dm(this.#channel, await made);
  }

  /** The same by an identifier. */
  async createDmWithIdentifier(identifier: Identifier, options: CreateDmOptions = {}): Promise<Dm> {
    const [address] = addressesOf([identifier]);
    checkDmOptions(options);
    const args = { address: address as string, options: withoutSignal(options) };
    const made = abortable(options.signal, () => this.#channel.call("conversations.createDmWithAddress", args));
    return new Dm(this.#channel, await made);
  }

  async createGroup(inboxIds: string[], options: CreateGroupOptions = {}): Promise<Group> {
    checkInboxIds(inboxIds);
    checkGroupOptions(options);
    const args = { inboxIds, options: withoutSignal(options) };
    return this.#group(await abortable(options.signal, () => this.#channel.call("conversations.createGroup", args)));
  }

  async createGroupWithIdentifiers(identifiers: Identifier[], options: CreateGroupOptions = {}): Promise<Group> {
    const addresses = addressesOf(identifiers);
    checkGroupOptions(options);
    const args = { addresses, options: withoutSignal(options) };
    return this.#group(await abortable(options.signal, () => this.#channel.call("conversations.createGroupWithAddresses", args)));
  }

  /** Makes a group in the local database alone; it reaches the network with its first publication. */
  async createGroupOptimistic(options: CreateGroupOptions = {}): Promise<Group> {
    checkGroupOptions(options);
    const args = { options: withoutSignal(options) };
    const made = abortable(options.signal, () => this.#channel.call("conversations.createGroupOptimistic", args));
    return this.#group(await made);
  }

  /** One message of the local database; undefined also for what is no id. */
  async getMessageById(id: string): Promise<DecodedMessage | undefined> {
    const found = await this.#channel.call("conversations.messageById", { messageId: id });
    return found && new DecodedMessage(found, this.#channel.codecs);
  }

  /** The conversation of a message in the local database. */
  async getConversationByMessageId(id: string): Promise<Group | Dm | undefined> {
    const found = await this.#channel.call("conversations.byMessageId", { messageId: id });
    return found && this.#conversation(found);
  }

  /** For a push server: the keys of every conversation that is not denied. */
  hmacKeys(): Promise<HmacKeys> {
    return this.#channel.call("conversations.hmacKeys");
  }

  /** Conversations that appear from now on; a direct message once, however many groups both sides make for it. */
  async stream<T extends Group | Dm = Group | Dm>(
    options: StreamOptions<T> & { conversationType?: ConversationType } = {},
  ): Promise<AsyncStreamProxy<T>> {
    const { conversationType, ...rest } = options;
    checkConversationType(conversationType);
    const convert = (value: object): T => this.#conversation(value as GroupSnapshot) as T;
    return openStream(this.#channel, { type: "conversations", conversationType }, convert, rest as StreamOptions<T>);
  }

  streamGroups(options?: StreamOptions<Group>): Promise<AsyncStreamProxy<Group>> {
    return this.stream<Group>({ ...options, conversationType: ConversationType.Group });
  }

  streamDms(options?: StreamOptions<Dm>): Promise<AsyncStreamProxy<Dm>> {
    return this.stream<Dm>({ ...options, conversationType: ConversationType.Dm });
  }

  /**
   * Messages of all conversations, those of conversations yet to come included, beginning with what was said since this
   * installation read last. Without `consentStates` those of denied conversations are left out.
   */
  async streamAllMessages(
    options: StreamOptions<DecodedMessage> & { conversationType?: ConversationType; consentStates?: ConsentState[] } = {},
  ): Promise<AsyncStreamProxy<DecodedMessage>> {
    const { conversationType, consentStates, ...rest } = options;
    checkConversationType(conversationType);
    checkConsentStates(consentStates);
    const convert = (value: object): DecodedMessage => new DecodedMessage(value as MessageSnapshot, this.#channel.codecs);
    return openStream(this.#channel, { type: "allMessages", conversationType, consentStates }, convert, rest);
  }

  streamAllGroupMessages(
    options?: StreamOptions<DecodedMessage> & { consentStates?: ConsentState[] },
  ): Promise<AsyncStreamProxy<DecodedMessage>> {
    return this.streamAllMessages({ ...options, conversationType: ConversationType.Group });
  }

  streamAllDmMessages(
    options?: StreamOptions<DecodedMessage> & { consentStates?: ConsentState[] },
  ): Promise<AsyncStreamProxy<DecodedMessage>> {
    return this.streamAllMessages({ ...options, conversationType: ConversationType.Dm });
  }

  /**
   * Conversations that stop because they need a newer version of this library (XIP-72), and those that go on again
   * after an update.
   */
  streamPauses(options?: StreamOptions<ConversationPause>): Promise<AsyncStreamProxy<ConversationPause>> {
    return openStream(this.#channel, { type: "pauses" }, (value) => value as ConversationPause, options);
  }

  /** Ids of messages that are gone: their time was over, or they are removed for everybody. */
  streamMessageDeletions(options?: StreamOptions<string>): Promise<AsyncStreamProxy<string>> {
    const convert = (value: object): string => (value as DeletedMessageId).messageId;
    return openStream(this.#channel, { type: "messageDeletions" }, convert, options);
  }

  /** Messages that are removed for everybody from now on, as they were sent. */
  streamDeletedMessages(options?: StreamOptions<DecodedMessage>): Promise<AsyncStreamProxy<DecodedMessage>> {
    const convert = (value: object): DecodedMessage => new DecodedMessage(value as MessageSnapshot, this.#channel.codecs);
    return openStream(this.#channel, { type: "deletedMessages" }, convert, options);
  }

  #group(snapshot: GroupSnapshot): Group {
    return new Group(this.#channel, snapshot);
  }

  #conversation(snapshot: GroupSnapshot): Group | Dm {
    const isDm = snapshot.metadata.conversationType === ConversationType.Dm;
    return isDm ? new Dm(this.#channel, snapshot) : new Group(this.#channel, snapshot);
  }
}

function checkListOptions(where: string, options: ListConversationsOptions, more: string[] = []): void {
  checkKeys(where, options, [
    "createdAfterNs", "createdBeforeNs", "limit", "consentStates", "includeDuplicateDms", "orderBy", ...more,
  ]);
  checkBigints(options, ["createdAfterNs", "createdBeforeNs", "limit"]);
  if (more.length > 0) checkConversationType(options.conversationType);
  checkConsentStates(options.consentStates);
}

function checkConversationType(type: ConversationType | undefined): void {
  if (type !== undefined && type !== ConversationType.Dm && type !== ConversationType.Group) {
    throw unsupported("conversationType must be ConversationType.Dm or ConversationType.Group");
  }
}

function checkConsentStates(states: ConsentState[] | undefined): void {
  const known: readonly unknown[] = [ConsentState.Unknown, ConsentState.Allowed, ConsentState.Denied];
  if (states !== undefined && !(Array.isArray(states) && states.every((state) => known.includes(state)))) {
    throw invalidArgument("consentStates must be an array of ConsentState");
  }
}

function checkDmOptions(options: CreateDmOptions): void {
  checkKeys("createDm", options, ["messageDisappearingSettings", "signal"]);
  checkDisappearing(options.messageDisappearingSettings);
}

function checkGroupOptions(options: CreateGroupOptions): void {
  checkKeys("createGroup", options, [
    "groupName", "groupDescription", "groupImageUrlSquare", "appData", "permissions", "customPermissionPolicySet",
    "messageDisappearingSettings", "signal",
  ]);
  checkDisappearing(options.messageDisappearingSettings);
  checkNewPermissions(options);
}
