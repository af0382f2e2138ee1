import type { Client } from "../client.js";
import type { Dm } from "../dm.js";
import type { Group } from "../group.js";
import { ConsentEntityType, ConsentState, type Consent, type ConsentSubject } from "../types.js";
import { bell, idleStates, Live, liveOf, useLive, type Bell, type Loading } from "./live.js";
import { useIdle } from "./provider.js";

export interface ConsentHandle extends Loading {
  /** What was decided; undefined until it was read. */
  state: ConsentState | undefined;
  /** Decides. Rejects where the decision cannot be stored. */
  setState: (state: ConsentState) => Promise<void>;
  /** Lets in. */
  allow: () => Promise<void>;
  /** Keeps out. */
  deny: () => Promise<void>;
}

class LiveConsent extends Live<ConsentHandle> {
  readonly #client: Client;
  readonly #subject: ConsentSubject;

  constructor(client: Client, subject: ConsentSubject) {
    super({
      state: undefined,
      setState: (state) => this.#decide(state),
      allow: () => this.#decide(ConsentState.Allowed),
      deny: () => this.#decide(ConsentState.Denied),
    });
    this.#client = client;
    this.#subject = subject;
  }

  async #decide(state: ConsentState): Promise<void> {
    await this.#client.preferences.setConsentStates([{ ...this.#subject, state }]);
    this.set({ state });
  }

  protected async read(): Promise<Partial<ConsentHandle>> {
    const { entityType, entity } = this.#subject;
    return { state: await this.#client.preferences.getConsentState(entityType, entity) };
  }

  protected bells(): Bell<unknown>[] {
    return [bell<Consent[]>((options) => this.#client.preferences.streamConsent(options))];
  }
}

const refuse = (): Promise<void> => Promise.reject(new Error("there is no client to decide for"));
const IDLE = idleStates<ConsentHandle>({ state: undefined, setState: refuse, allow: refuse, deny: refuse });

/** What was decided about a conversation, or about a person by their inbox or wallet, kept up to date. */
export function useConsent(subject: Group | Dm | ConsentSubject | undefined): ConsentHandle {
  const { client, idle } = useIdle(IDLE);
  const about: ConsentSubject | undefined =
    subject && ("entity" in subject ? subject : { entityType: ConsentEntityType.GroupId, entity: subject.id });
  const live =
    client && about
      ? liveOf(client, `consent ${about.entityType} ${about.entity}`, () => new LiveConsent(client, about))
      : undefined;
  return useLive(live, about === undefined ? IDLE.closed : idle);
}
