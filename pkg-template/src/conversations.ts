import type { Channel } from "./channel.js";
import { Dm } from "./dm.js";
import { checkInboxIds, Group } from "./group.js";
import { DecodedMessage } from "./message.js";
import { checkBigints, checkKeys } from "./options.js";
import type { GroupSnapshot, MessageSnapshot } from "./rpc.js";
import { addressesOf } from "./signers.js";
import { openStream, type AsyncStreamProxy, type StreamOptions } from "./streams.js";
import {
  ConversationType,
  type CreateDmOptions,
  type CreateGroupOptions,
  type Identifier,
  type ListConversationsOptions,
} from "./types.js";

/** The conversations of a client. */
export class Conversations {
  readonly #channel: Channel;

  /** @internal */
  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** Fetches welcomes: conversations others have added this installation to. */
  async sync(): Promise<void> {
    await this.#channel.call("conversations.sync");
  }

  /** Fetches welcomes and whatever is new in every conversation. */
  async syncAll(): Promise<void> {
    await this.#channel.call("conversations.syncAll");
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

  async getConversationById(id: string): Promise<Group | Dm | undefined> {
    const found = await this.#channel.call("conversations.byId", { groupId: id });
    return found && this.#conversation(found);
  }

  /** The direct message with an inbox, in the local database. */
  async getDmByInboxId(inboxId: string): Promise<Dm | undefined> {
    const found = await this.#channel.call("conversations.dmByInboxId", { inboxId });
    return found && new Dm(this.#channel, found);
  }

  /** The same by an identifier, whose inbox the node is asked for. */
  async fetchDmByIdentifier(identifier: Identifier): Promise<Dm | undefined> {
    const [address] = addressesOf([identifier]);
    const found = await this.#channel.call("conversations.dmByAddress", { address: address as string });
    return found && new Dm(this.#channel, found);
  }

  /** Finds the direct message with an inbox, or makes one. */
  async createDm(inboxId: string, options: CreateDmOptions = {}): Promise<Dm> {
    checkInboxIds([inboxId]);
    checkKeys("createDm", options, ["messageDisappearingSettings"]);
    return new Dm(this.#channel, await this.#channel.call("conversations.createDm", { inboxId, options }));
  }

  /** The same by an identifier. */
  async createDmWithIdentifier(identifier: Identifier, options: CreateDmOptions = {}): Promise<Dm> {
    const [address] = addressesOf([identifier]);
    checkKeys("createDm", options, ["messageDisappearingSettings"]);
    const args = { address: address as string, options };
    return new Dm(this.#channel, await this.#channel.call("conversations.createDmWithAddress", args));
  }

  async createGroup(inboxIds: string[], options: CreateGroupOptions = {}): Promise<Group> {
    checkInboxIds(inboxIds);
    checkGroupOptions(options);
    return this.#group(await this.#channel.call("conversations.createGroup", { inboxIds, options }));
  }

  async createGroupWithIdentifiers(identifiers: Identifier[], options: CreateGroupOptions = {}): Promise<Group> {
    const addresses = addressesOf(identifiers);
    checkGroupOptions(options);
    return this.#group(await this.#channel.call("conversations.createGroupWithAddresses", { addresses, options }));
  }

  /** Makes a group in the local database alone; it reaches the network with its first publication. */
  async createGroupOptimistic(options: CreateGroupOptions = {}): Promise<Group> {
    checkGroupOptions(options);
    return this.#group(await this.#channel.call("conversations.createGroupOptimistic", { options }));
  }

  /** Conversations that appear from now on. */
  stream(options?: StreamOptions<Group>): Promise<AsyncStreamProxy<Group>> {
    const convert = (value: object): Group => this.#group(value as GroupSnapshot);
    return openStream(this.#channel, { type: "conversations" }, convert, options);
  }

  streamGroups(options?: StreamOptions<Group>): Promise<AsyncStreamProxy<Group>> {
    return this.stream(options);
  }

  /** Messages of all conversations from now on, those of conversations yet to come included. */
  streamAllMessages(options?: StreamOptions<DecodedMessage>): Promise<AsyncStreamProxy<DecodedMessage>> {
    const convert = (value: object): DecodedMessage => new DecodedMessage(value as MessageSnapshot, this.#channel.codecs);
    return openStream(this.#channel, { type: "allMessages" }, convert, options);
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
}

function checkGroupOptions(options: CreateGroupOptions): void {
  checkKeys("createGroup", options, ["groupName", "groupDescription", "groupImageUrlSquare", "appData", "permissions"]);
}
