import type { Client } from "../client.js";
import type { ConnectionState } from "../network.js";
import type { Dm } from "../dm.js";
import type { Group } from "../group.js";
import type { DecodedMessage } from "../message.js";
import { DeliveryStatus, SortDirection, type ListMessagesOptions } from "../types.js";
import { bell, existingLive, idleStates, keyOf, Live, liveOf, useLive, type Bell, type Loading } from "./live.js";
import { useIdle } from "./provider.js";
import { kept } from "./same.js";

export interface UseMessagesOptions extends Omit<ListMessagesOptions, "limit" | "direction"> {
  /** How many messages are shown at first, and how many more by each `loadMore`. Default 50. */
  pageSize?: number;
}

export interface MessagesState extends Loading {
  /** Oldest first. A message is another object when something of it has changed (a reaction, its delivery), and only then. */
  messages: DecodedMessage[];
  /** Whether there are older ones. */
  hasMore: boolean;
  /** Shows another page of older ones. */
  loadMore: () => Promise<void>;
}

/** The parts of a message that can change. */
function changing(message: DecodedMessage): string {
  const reactions = message.reactions.map(({ id, deliveryStatus }) => `${id}${deliveryStatus}`).join();
  const answered = message.bodyType === "reply" ? (message.content as { inReplyTo: DecodedMessage | null }).inReplyTo : undefined;
  return [
    message.deliveryStatus, message.sentAtNs, message.expiresAtNs, message.bodyType, message.numReplies, reactions, answered?.bodyType,
  ].join("|");
}

class LiveMessages extends Live<MessagesState> {
  readonly #client: Client;
  readonly #conversation: Group | Dm;
  readonly #filter: ListMessagesOptions;
  readonly #pageSize: number;
  #pages = 1;

  constructor(client: Client, conversation: Group | Dm, { pageSize = 50, ...filter }: UseMessagesOptions) {
    super({
      messages: [],
      hasMore: false,
      loadMore: async () => {
        if (this.state.hasMore) this.#pages += 1;
        await this.refresh();
      },
    });
    this.#client = client;
    this.#conversation = conversation;
    this.#filter = filter;
    this.#pageSize = Math.max(1, Math.floor(pageSize));
  }

  protected async read(): Promise<Partial<MessagesState>> {
    const shown = this.#pages * this.#pageSize;
    // One more tells whether there are more.
    const options = { ...this.#filter, limit: BigInt(shown + 1), direction: SortDirection.Descending };
    const found = await this.#conversation.messages(options);
    const isSame = (one: DecodedMessage, other: DecodedMessage): boolean => changing(one) === changing(other);
    const messages = kept(this.state.messages, found.slice(0, shown).reverse(), ({ id }) => id, isSame);
    return { messages, hasMore: found.length > shown };
  }

  protected bells(): Bell<unknown>[] {
    return [
      bell<DecodedMessage>((options) => this.#conversation.stream(options)),
      bell<string>((options) => this.#client.conversations.streamMessageDeletions({ ...options, disableSync: true })),
      bell<ConnectionState>(
        (options) => this.#client.streamConnectionState(options),
        (connection) => (connection === "connected" && void this.#publish(), false),
      ),
    ];
  }

  /** What was written while there was no network is sent once there is one. */
  async #publish(): Promise<void> {
    if (!this.state.messages.some(({ deliveryStatus }) => deliveryStatus === DeliveryStatus.Unpublished)) return;
    // What fails stays unpublished, and is shown so.
    await this.#conversation.publishMessages().catch(() => undefined);
    await this.refresh();
  }
}

const loadMore = async (): Promise<void> => undefined;
const IDLE = idleStates<MessagesState>({ messages: [], hasMore: false, loadMore });

const prefixOf = (conversation: Group | Dm): string => `messages ${conversation.id} `;

/**
 * The newest messages of a conversation with their reactions, kept up to date. What was stored while there was no network
 * is sent when it is back. The options may be written anew at each render.
 */
export function useMessages(conversation: Group | Dm | undefined, options: UseMessagesOptions = {}): MessagesState {
  const { client, idle } = useIdle(IDLE);
  const live =
    client && conversation
      ? liveOf(client, prefixOf(conversation) + keyOf(options), () => new LiveMessages(client, conversation, options))
      : undefined;
  return useLive(live, conversation === undefined ? IDLE.closed : idle);
}

/** Reads the messages of a conversation again wherever they are shown: own ones ring no bell before they are sent. @internal */
export async function refreshMessages(client: Client, conversation: Group | Dm): Promise<void> {
  await Promise.all(existingLive(client, prefixOf(conversation)).map((live) => live.refresh()));
}
