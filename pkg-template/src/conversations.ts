import type { Channel } from "./channel.js";
import { checkInboxIds, Group } from "./group.js";
import { DecodedMessage } from "./message.js";
import { checkKeys } from "./options.js";
import { checkNewPermissions } from "./permissions.js";
import type { DeletedMessageId, GroupSnapshot, MessageSnapshot } from "./rpc.js";
import { checkDisappearing, type ConversationPause } from "./settings.js";
import { addressesOf } from "./signers.js";
import { openStream, type AsyncStreamProxy, type StreamOptions } from "./streams.js";
import type { CreateGroupOptions, Identifier, ListConversationsOptions } from "./types.js";

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

  /** Conversations of the local database. */
  async list(options: ListConversationsOptions = {}): Promise<Group[]> {
    checkKeys("list", options, ["createdAfterNs", "createdBeforeNs", "limit"]);
    const found = await this.#channel.call("conversations.list", options);
    return found.map((snapshot) => this.#group(snapshot));
  }

  listGroups(options: ListConversationsOptions = {}): Promise<Group[]> {
    return this.list(options);
  }

  async getConversationById(id: string): Promise<Group | undefined> {
    const found = await this.#channel.call("conversations.byId", { groupId: id });
    return found && this.#group(found);
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
    const convert = (value: object): DecodedMessage => new DecodedMessage(value as MessageSnapshot);
    return openStream(this.#channel, { type: "allMessages" }, convert, options);
  }

  /**
   * Conversations that stop because they need a newer version of this library (XIP-72), and those that go on again
   * after an update.
   */
  streamPauses(options?: StreamOptions<ConversationPause>): Promise<AsyncStreamProxy<ConversationPause>> {
    return openStream(this.#channel, { type: "pauses" }, (value) => value as ConversationPause, options);
  }

  /** Ids of messages that are not in the local database any more because their time was over. */
  streamMessageDeletions(options?: StreamOptions<string>): Promise<AsyncStreamProxy<string>> {
    const convert = (value: object): string => (value as DeletedMessageId).messageId;
    return openStream(this.#channel, { type: "messageDeletions" }, convert, options);
  }

  #group(snapshot: GroupSnapshot): Group {
    return new Group(this.#channel, snapshot);
  }
}

function checkGroupOptions(options: CreateGroupOptions): void {
  checkKeys("createGroup", options, [
    "groupName", "groupDescription", "groupImageUrlSquare", "appData", "permissions", "customPermissionPolicySet",
    "messageDisappearingSettings",
  ]);
  checkDisappearing(options.messageDisappearingSettings);
  checkNewPermissions(options);
}
