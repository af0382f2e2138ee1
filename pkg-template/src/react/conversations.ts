import type { Client } from "../client.js";
import type { Conversation } from "../conversation.js";
import type { Dm } from "../dm.js";
import type { Group } from "../group.js";
import type { DecodedMessage } from "../message.js";
import type { GroupSnapshot } from "../rpc.js";
import { ConsentState, GroupMessageKind, ListConversationsOrderBy, type Consent, type ListConversationsOptions } from "../types.js";
import { bell, idleStates, keyOf, Live, liveOf, useLive, type Bell, type Loading } from "./live.js";
import { useIdle } from "./provider.js";
import { isAlike } from "./same.js";

export interface ConversationsState extends Loading {
  /** A conversation is another object when its name or anything else of it has changed, and only then. */
  conversations: (Group | Dm)[];
}

export interface ConversationState extends Loading {
  /** Undefined when there is no such conversation here (yet). As in {@link ConversationsState}. */
  conversation: Group | Dm | undefined;
}

const ALL = [ConsentState.Unknown, ConsentState.Allowed, ConsentState.Denied];

/** The objects that were shown, each with the state it had then: its own calls renew it in place. */
class Shown {
  #shown = new Map<string, { object: Group | Dm; snapshot: GroupSnapshot }>();

  keep(found: (Group | Dm)[]): (Group | Dm)[] {
    const shown = new Map<string, { object: Group | Dm; snapshot: GroupSnapshot }>();
    const list = found.map((object) => {
      const snapshot = snapshotOf(object);
      const old = this.#shown.get(object.id);
      const kept = old !== undefined && isAlike(old.snapshot, snapshot) ? old : { object, snapshot };
      shown.set(object.id, kept);
      return kept.object;
    });
    this.#shown = shown;
    return list;
  }
}

function snapshotOf(conversation: Conversation): GroupSnapshot {
  return conversation["snapshot"];
}

class LiveConversations extends Live<ConversationsState> {
  readonly #client: Client;
  readonly #options: ListConversationsOptions;
  readonly #shown = new Shown();

  constructor(client: Client, options: ListConversationsOptions) {
    super({ conversations: [] });
    this.#client = client;
    this.#options = options;
  }

  protected async read(): Promise<Partial<ConversationsState>> {
    const before = this.state.conversations;
    const now = this.#shown.keep(await this.#client.conversations.list(this.#options));
    const isSame = now.length === before.length && now.every((each, index) => each === before[index]);
    return isSame ? {} : { conversations: now };
  }

  protected bells(): Bell<unknown>[] {
    const { conversations, preferences } = this.#client;
    // Whatever is said changes the order by last activity; otherwise only lines of the transcript change anything.
    const byActivity = this.#options.orderBy === ListConversationsOrderBy.LastActivity;
    return [
      bell<Group | Dm>((options) => conversations.stream(options)),
      bell<DecodedMessage>(
        (options) => conversations.streamAllMessages({ ...options, consentStates: ALL }),
        ({ kind }) => byActivity || kind === GroupMessageKind.MembershipChange,
      ),
      bell<Consent[]>((options) => preferences.streamConsent({ ...options, disableSync: true })),
    ];
  }
}

class LiveConversation extends Live<ConversationState> {
  readonly #client: Client;
  readonly #id: string;
  readonly #shown = new Shown();

  constructor(client: Client, id: string) {
    super({ conversation: undefined });
    this.#client = client;
    this.#id = id;
  }

  protected async read(): Promise<Partial<ConversationState>> {
    const found = await this.#client.conversations.getConversationById(this.#id);
    return { conversation: found && this.#shown.keep([found])[0] };
  }

  protected bells(): Bell<unknown>[] {
    const { conversations } = this.#client;
    return [
      bell<Group | Dm>((options) => conversations.stream(options), ({ id }) => id === this.#id),
      bell<DecodedMessage>(
        (options) => conversations.streamAllMessages({ ...options, consentStates: ALL, disableSync: true }),
        ({ conversationId, kind }) => conversationId === this.#id && kind === GroupMessageKind.MembershipChange,
      ),
    ];
  }
}

const IDLE_LIST = idleStates<ConversationsState>({ conversations: [] });
const IDLE_ONE = idleStates<ConversationState>({ conversation: undefined });

/**
 * The conversations of the client, as `client.conversations.list` gives them with these options, kept up to date. The
 * options may be written anew at each render.
 */
export function useConversations(options: ListConversationsOptions = {}): ConversationsState {
  const { client, idle } = useIdle(IDLE_LIST);
  const live = client && liveOf(client, `conversations ${keyOf(options)}`, () => new LiveConversations(client, options));
  return useLive(live, idle);
}

/** One conversation by its id, kept up to date. */
export function useConversation(id: string | undefined): ConversationState {
  const { client, idle } = useIdle(IDLE_ONE);
  const live = client && id !== undefined ? liveOf(client, `conversation ${id}`, () => new LiveConversation(client, id)) : undefined;
  return useLive(live, id === undefined ? IDLE_ONE.closed : idle);
}
