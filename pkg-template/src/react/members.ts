import type { Client } from "../client.js";
import type { Dm } from "../dm.js";
import type { Group } from "../group.js";
import type { DecodedMessage } from "../message.js";
import { GroupMessageKind, type Consent, type GroupMember } from "../types.js";
import { bell, idleStates, Live, liveOf, useLive, type Bell, type Loading } from "./live.js";
import { useIdle } from "./provider.js";
import { isAlike, kept } from "./same.js";

export interface MembersState extends Loading {
  /** A member is another object when something of it has changed, and only then. */
  members: GroupMember[];
}

class LiveMembers extends Live<MembersState> {
  readonly #client: Client;
  readonly #conversation: Group | Dm;

  constructor(client: Client, conversation: Group | Dm) {
    super({ members: [] });
    this.#client = client;
    this.#conversation = conversation;
  }

  protected async read(): Promise<Partial<MembersState>> {
    const found = await this.#conversation.members();
    return { members: kept(this.state.members, found, ({ inboxId }) => inboxId, isAlike) };
  }

  protected bells(): Bell<unknown>[] {
    return [
      bell<DecodedMessage>((options) => this.#conversation.stream(options), ({ kind }) => kind === GroupMessageKind.MembershipChange),
      bell<Consent[]>((options) => this.#client.preferences.streamConsent({ ...options, disableSync: true })),
    ];
  }
}

const IDLE = idleStates<MembersState>({ members: [] });

/** The members of a conversation with their roles, kept up to date. */
export function useMembers(conversation: Group | Dm | undefined): MembersState {
  const { client, idle } = useIdle(IDLE);
  const live =
    client && conversation
      ? liveOf(client, `members ${conversation.id}`, () => new LiveMembers(client, conversation))
      : undefined;
  return useLive(live, conversation === undefined ? IDLE.closed : idle);
}
