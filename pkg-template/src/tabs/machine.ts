/**
 * What one tab does, as a pure function of what it hears: docs/TABS.md has the picture. It knows no browser; each
 * method answers the effects that `station.ts` carries out.
 */
import type { PlainError } from "../errors.js";
import {
  failure,
  isNewer,
  isRepeatable,
  mayRepeat,
  OUTCOME_UNKNOWN,
  withKey,
  type Call,
  type HallMessage,
  type MailMessage,
  type Outcome,
  type StreamEvent,
  type Surroundings,
  type TabId,
  type Version,
} from "./protocol.js";

/** How long a call waits for a tab that accepts it, milliseconds. */
export const DEADLINE_MS = 30_000;
/** By how much a caller waits longer than a leader may begin, so that both agree that it was not. Milliseconds. */
const MARGIN_MS = 1_000;
/** When a request that nobody accepted is sent again, milliseconds. */
const RESEND_MS = 2_000;
/** How often a leader is asked whether it is still at what it has accepted, milliseconds. */
const ASK_MS = 5_000;
/** So many questions in a row without a word, and it is taken for stopped. */
const QUESTIONS = DEADLINE_MS / ASK_MS;
/** How long a closing leader lets requests of other tabs finish, milliseconds. */
export const GRACE_MS = 2_000;

/**
 * - `idle`: nothing was opened yet.
 * - `seeking`: in the queue for the lock, no leader known.
 * - `following`: in the queue for the lock, requests go to the leader.
 * - `opening`: has the lock, opens the database.
 * - `leading`: has the lock and the open database.
 * - `resigning`: lets requests of other tabs finish.
 * - `closing`: closes the database, still has the lock.
 * - `away`: the page is out of use (frozen, or in the back/forward cache) and may come back.
 * - `over`: closed, failed or replaced.
 */
export type Phase =
  | "idle" | "seeking" | "following" | "opening" | "leading" | "resigning" | "closing" | "away" | "over";

export type Effect =
  /** To the own page. */
  | { do: "answer"; id: number; outcome: Outcome }
  | { do: "event"; event: StreamEvent }
  | { do: "fatal"; error: PlainError }
  /** To other tabs. */
  | { do: "hall"; message: HallMessage }
  | { do: "mail"; to: TabId; message: MailMessage }
  /** Get in the queue for the lock; give it up, or leave the queue. */
  | { do: "lock" }
  | { do: "unlock" }
  /** Open and close the database; reported by `opened` and `closed`. */
  | { do: "open" }
  | { do: "close" }
  /** Carry a request out on the open database; reported by `ran`. */
  | { do: "run"; term: string; tab: TabId; call: Call }
  | { do: "network"; tab: TabId; surroundings: Surroundings }
  /** Report by `gone` when that tab is no more. */
  | { do: "watch"; tab: TabId }
  /** End the streams of a tab, and forget its surroundings. */
  | { do: "forget"; tab: TabId };

/** The term of what was asked of a leader that we left: one that never comes. */
const LEFT = "";

interface Pending {
  call: Call;
  /** The term whose leader has it. */
  term: string | undefined;
  sentAt: number;
  accepted: boolean;
  expiresAt: number;
}

/** The tab that leads. */
interface Leader {
  tab: TabId;
  term: string;
  /** When it was asked last whether it is there, and how often since it last said anything. */
  askedAt: number;
  unheard: number;
}

/** What a closing database is followed by. */
type Then =
  | { type: "left"; id: number }
  | { type: "away"; isBack: boolean }
  | { type: "replaced" }
  | { type: "deleted"; error: PlainError };

export class TabMachine {
  #self: TabId;
  readonly #version: Version;
  readonly #now: () => number;
  readonly #newKey: () => string;
  #phase: Phase = "idle";
  /** The calls of the own page without an answer, oldest first. */
  readonly #pending = new Map<number, Pending>();
  /** The open streams of the own page and the term they belong to. */
  readonly #streams = new Map<number, string>();
  #surroundings: Surroundings | undefined;
  /** Whether the own page has its client. */
  #joined = false;
  #leader: Leader | undefined;
  /** The own term, while this tab leads. */
  #term: string | undefined;
  /** While leading: what was accepted from others and not acknowledged, by tab and id. */
  readonly #ledger = new Map<TabId, Map<number, Outcome | undefined>>();
  /** While leading: tabs that are no more. What they said may still be on its way, once more perhaps. */
  readonly #departed = new Set<TabId>();
  #then: Then | undefined;
  #graceEnds = 0;
  #out: Effect[] = [];

  constructor(self: TabId, version: Version, now: () => number, newKey: () => string) {
    this.#self = self;
    this.#version = version;
    this.#now = now;
    this.#newKey = newKey;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Whether `tick` has something to do. */
  get needsTicks(): boolean {
    if (this.#phase === "resigning") return true;
    return [...this.#pending.values()].some((pending) => this.#waits(pending));
  }

  /** The own page asks for something. */
  request(asked: Call): Effect[] {
    const call = withKey(asked, this.#newKey);
    if (this.#phase === "over") return this.#answer(call.id, failure("client.closed", "the client is closed")).#flush();
    if (call.method === "client.close") return this.#close(call.id);
    if (call.method === "client.network") {
      this.#surroundings = call.args as Surroundings;
      this.#tellSurroundings();
      return this.#answer(call.id, { ok: true, result: undefined }).#flush();
    }
    const pending = { call, term: undefined, sentAt: 0, accepted: false, expiresAt: this.#now() + DEADLINE_MS };
    this.#pending.set(call.id, pending);
    if (this.#phase === "idle") this.#seek();
    else this.#dispatch(pending);
    return this.#flush();
  }

  /** The lock is ours. `term` is a name nobody else has. */
  locked(term: string): Effect[] {
    if (this.#phase !== "seeking" && this.#phase !== "following") return this.#do({ do: "unlock" }).#flush();
    this.#phase = "opening";
    this.#leader = undefined;
    this.#term = term;
    return this.#do({ do: "open" }).#flush();
  }

  /** How opening the database ended. */
  opened(error?: PlainError): Effect[] {
    if (this.#phase !== "opening") return [];
    if (error !== undefined) {
      const then = this.#then;
      this.#then = undefined;
      this.#fail(error);
      if (then?.type === "left") this.#answer(then.id, { ok: true, result: undefined });
      return this.#do({ do: "unlock" }).#flush();
    }
    this.#phase = "leading";
    if (this.#then?.type === "away" && this.#then.isBack) this.#then = undefined;
    if (this.#then !== undefined) {
      this.#closeDatabase(this.#then);
      return this.#flush();
    }
    const term = this.#term as string;
    this.#do({ do: "hall", message: { type: "leader", from: this.#self, term, version: this.#version } });
    this.#newTerm(term);
    return this.#flush();
  }

  /** The database is closed. */
  closed(): Effect[] {
    if (this.#phase !== "closing") return [];
    const then = this.#then as Then;
    const term = this.#term as string;
    this.#then = this.#term = undefined;
    this.#ledger.clear();
    this.#departed.clear();
    this.#do({ do: "hall", message: { type: "resigned", from: this.#self, term } }).#do({ do: "unlock" });
    this.#phase = then.type === "away" ? "away" : "over";
    if (then.type === "left") this.#answer(then.id, { ok: true, result: undefined });
    if (then.type === "replaced") this.#fail(NEWER.error);
    if (then.type === "deleted") this.#fail(then.error);
    if (then.type === "away" && then.isBack) this.#seek();
    return this.#flush();
  }

  /** Something was said to all tabs. */
  hall(message: HallMessage): Effect[] {
    if (message.from === this.#self) return [];
    if (message.type === "resigned") {
      if (this.#leader?.term === message.term) this.#lostLeader();
      return this.#flush();
    }
    if (this.#phase === "idle" || this.#phase === "over") return [];
    if (isNewer(message.version, this.#version)) {
      this.#stepAside();
      return this.#flush();
    }
    const here: HallMessage = { type: "here", from: this.#self, version: this.#version };
    if (message.type === "here") {
      const term = this.#term;
      if (this.#phase === "leading" && term !== undefined) {
        this.#do({ do: "hall", message: { type: "leader", from: this.#self, term, version: this.#version } });
      }
    } else if (isNewer(this.#version, message.version)) {
      // It steps aside when it hears of us.
      this.#do({ do: "hall", message: here });
    } else if (this.#phase === "seeking" || (this.#phase === "following" && this.#leader?.term !== message.term)) {
      this.#leader = { tab: message.from, term: message.term, askedAt: this.#now(), unheard: 0 };
      this.#phase = "following";
      this.#newTerm(message.term);
    }
    return this.#flush();
  }

  /** Something was said to this tab. */
  mail(message: MailMessage): Effect[] {
    if (!("from" in message) && this.#leader?.term === message.term) this.#leader.unheard = 0;
    switch (message.type) {
      case "request":
        this.#accept(message);
        break;
      case "ack":
        if (message.term === this.#term) this.#ledger.get(message.from)?.delete(message.id);
        break;
      case "network":
        if (message.term !== this.#term || this.#phase !== "leading") break;
        if (this.#know(message.from) === undefined) break;
        this.#do({ do: "network", tab: message.from, surroundings: message.surroundings });
        break;
      case "leave":
        if (message.term === this.#term) this.#forget(message.from);
        break;
      case "accepted": {
        const pending = this.#pending.get(message.id);
        if (pending?.term === message.term) pending.accepted = true;
        break;
      }
      case "answer": {
        const { term, id } = message;
        const leader = this.#leader?.term === term ? this.#leader : undefined;
        if (leader !== undefined) this.#do({ do: "mail", to: leader.tab, message: { type: "ack", from: this.#self, term, id } });
        const pending = this.#pending.get(id);
        if (pending?.term !== term) break;
        // An answer may come after its leader has closed the database, and even after the lock. What can be asked again is.
        if (leader !== undefined || !mayRepeat(pending.call)) this.#settle(id, message.outcome);
        break;
      }
      case "stream":
        if (this.#leader?.term === message.term) this.#event(message.event);
        break;
    }
    return this.#flush();
  }

  /** A request was carried out here. */
  ran(term: string, tab: TabId, id: number, outcome: Outcome): Effect[] {
    if (term !== this.#term || (this.#phase !== "leading" && this.#phase !== "resigning")) return [];
    if (tab === this.#self) {
      if (this.#pending.get(id)?.term === term) this.#settle(id, outcome);
      return this.#flush();
    }
    const known = this.#ledger.get(tab);
    if (known?.has(id)) {
      known.set(id, outcome);
      this.#do({ do: "mail", to: tab, message: { type: "answer", term, id, outcome } });
    }
    if (this.#phase === "resigning") this.#closeWhenDone();
    return this.#flush();
  }

  /**
   * The database was deleted here. The other tabs find that out when their turn comes. With an error: it was closed for that,
   * and what is there of it cannot be deleted; they find out what that is.
   */
  deleted(error: PlainError = DELETED.error): Effect[] {
    const then: Then = { type: "deleted", error };
    if (this.#phase === "leading" || this.#phase === "resigning") this.#closeDatabase(this.#then ?? then);
    return this.#flush();
  }

  /** There is no getting in the queue for the lock, or no being seen by others. */
  refused(error: PlainError): Effect[] {
    if (["idle", "away", "seeking", "following"].includes(this.#phase)) {
      this.#leaveLeader();
      this.#fail(error);
    }
    return this.#flush();
  }

  /** A stream that runs here has something for a tab. */
  happened(term: string, tab: TabId, event: StreamEvent): Effect[] {
    if (term !== this.#term || (this.#phase !== "leading" && this.#phase !== "resigning")) return [];
    if (tab === this.#self) this.#event(event);
    else if (this.#ledger.has(tab)) this.#do({ do: "mail", to: tab, message: { type: "stream", term, event } });
    return this.#flush();
  }

  /** A tab is no more. */
  gone(tab: TabId): Effect[] {
    this.#forget(tab);
    if (this.#phase === "resigning") this.#closeWhenDone();
    return this.#flush();
  }

  /** The page goes out of use; the browser may stop it at any moment, and may bring it back. */
  rest(): Effect[] {
    if (this.#phase === "seeking" || this.#phase === "following") {
      this.#leaveLeader();
      this.#do({ do: "unlock" });
      this.#phase = "away";
    } else if (this.#phase === "idle") this.#phase = "away";
    else if (this.#phase === "leading") this.#closeDatabase({ type: "away", isBack: false });
    else if (this.#then?.type === "away") this.#then.isBack = false;
    else if (this.#phase === "opening") this.#then ??= { type: "away", isBack: false };
    return this.#flush();
  }

  /** The page is back in use, under a name nobody has forgotten. */
  resume(self: TabId): Effect[] {
    if (this.#phase === "away") {
      this.#self = self;
      this.#seek();
    } else if (this.#then?.type === "away") this.#then.isBack = true;
    return this.#flush();
  }

  /** Time has passed: about each second while `needsTicks`. */
  tick(): Effect[] {
    const now = this.#now();
    if (this.#phase === "resigning") this.#closeWhenDone();
    for (const [id, pending] of this.#pending) {
      // Opening has deadlines of its own.
      if (pending.accepted || this.#phase === "opening" || now < pending.expiresAt + MARGIN_MS) continue;
      this.#giveUp(id, pending);
    }
    this.#ask(now);
    const waits = [...this.#pending.values()].filter(({ accepted }) => !accepted);
    if (waits.length === 0) return this.#flush();
    let ask = this.#phase === "seeking";
    if (this.#phase === "following") {
      for (const pending of waits) {
        if (now < pending.sentAt + RESEND_MS) continue;
        ask = true;
        this.#dispatch(pending);
      }
    }
    if (ask) this.#do({ do: "hall", message: { type: "here", from: this.#self, version: this.#version } });
    return this.#flush();
  }

  /** Whether a call waits for somebody who may never come. */
  #waits({ accepted }: Pending): boolean {
    return !accepted || this.#phase === "following";
  }

  /**
   * Whether the leader is still there, of each call that it has accepted. One whose page the browser has stopped keeps its lock
   * and says nothing. Counted are the questions, not the time: this tab may have been stopped itself.
   */
  #ask(now: number): void {
    const leader = this.#leader;
    if (this.#phase !== "following" || leader === undefined || now < leader.askedAt + ASK_MS) return;
    const accepted = [...this.#pending].filter(([, pending]) => pending.accepted);
    if (accepted.length === 0) {
      leader.unheard = 0;
      return;
    }
    if (leader.unheard >= QUESTIONS) {
      for (const [id, pending] of accepted) this.#giveUp(id, pending);
      return;
    }
    leader.askedAt = now;
    leader.unheard += 1;
    for (const [id, { call }] of accepted) {
      // The same id: it says how far it is. If it has forgotten all, this is no request that it could begin.
      const question = { id, method: call.method, args: undefined };
      this.#do({ do: "mail", to: leader.tab, message: { type: "request", from: this.#self, term: leader.term, call: question, expiresAt: 0 } });
    }
  }

  #giveUp(id: number, { term, call }: Pending): void {
    this.#pending.delete(id);
    // What was sent once may have been begun, whatever we have heard of that.
    this.#answer(id, term === undefined || isRepeatable(call) ? NO_LEADER : OUTCOME_UNKNOWN);
  }

  #seek(): void {
    this.#phase = "seeking";
    this.#do({ do: "lock" }).#do({ do: "hall", message: { type: "here", from: this.#self, version: this.#version } });
  }

  #dispatch(pending: Pending): void {
    const { call, expiresAt } = pending;
    if (this.#phase === "leading") {
      const term = this.#term as string;
      pending.term = term;
      pending.accepted = true;
      this.#do({ do: "run", term, tab: this.#self, call });
    } else if (this.#phase === "following" && this.#leader !== undefined) {
      const { tab, term } = this.#leader;
      pending.term = term;
      pending.sentAt = this.#now();
      this.#do({ do: "mail", to: tab, message: { type: "request", from: this.#self, term, call, expiresAt } });
    }
  }

  /** Somebody leads, ourselves perhaps. What was asked of the one before is asked again where that is safe. */
  #newTerm(term: string): void {
    for (const [streamId, of] of this.#streams) {
      if (of !== term) this.#endStream(streamId);
    }
    this.#tellSurroundings();
    for (const [id, pending] of this.#pending) {
      if (pending.term === term) continue;
      if (pending.term !== undefined) {
        if (!mayRepeat(pending.call)) {
          this.#pending.delete(id);
          this.#answer(id, OUTCOME_UNKNOWN);
          continue;
        }
        pending.accepted = false;
        pending.expiresAt = this.#now() + DEADLINE_MS;
      }
      this.#dispatch(pending);
    }
  }

  #lostLeader(): void {
    const term = this.#leader?.term;
    this.#leader = undefined;
    if (this.#phase === "following") this.#phase = "seeking";
    for (const pending of this.#pending.values()) {
      if (pending.term !== term || !pending.accepted) continue;
      // It waits again, and not for ever.
      pending.accepted = false;
      pending.expiresAt = this.#now() + DEADLINE_MS;
    }
  }

  #accept({ from, term, call, expiresAt }: Extract<MailMessage, { type: "request" }>): void {
    if (term !== this.#term || this.#phase !== "leading") return;
    const known = this.#know(from);
    if (known === undefined) return;
    const { id } = call;
    if (!known.has(id)) {
      if (this.#now() > expiresAt) return;
      known.set(id, undefined);
      this.#do({ do: "mail", to: from, message: { type: "accepted", term, id } });
      this.#do({ do: "run", term, tab: from, call });
      return;
    }
    const outcome = known.get(id);
    const message: MailMessage = outcome === undefined ? { type: "accepted", term, id } : { type: "answer", term, id, outcome };
    this.#do({ do: "mail", to: from, message });
  }

  #know(tab: TabId): Map<number, Outcome | undefined> | undefined {
    const known = this.#ledger.get(tab);
    if (known !== undefined || this.#departed.has(tab)) return known;
    const fresh = new Map<number, Outcome | undefined>();
    this.#ledger.set(tab, fresh);
    this.#do({ do: "watch", tab });
    return fresh;
  }

  #forget(tab: TabId): void {
    if (this.#term !== undefined) this.#departed.add(tab);
    if (this.#ledger.delete(tab)) this.#do({ do: "forget", tab });
  }

  #close(id: number): Effect[] {
    if (this.#phase === "leading") {
      this.#phase = "resigning";
      this.#then = { type: "left", id };
      this.#graceEnds = this.#now() + GRACE_MS;
      this.#closeWhenDone();
    } else if (this.#then?.type === "left") {
      this.#answer(id, { ok: true, result: undefined });
    } else if (this.#phase === "opening" || this.#phase === "closing") {
      this.#then = { type: "left", id };
    } else {
      this.#leaveLeader();
      if (this.#phase !== "idle" && this.#phase !== "away") this.#do({ do: "unlock" });
      this.#phase = "over";
      this.#answer(id, { ok: true, result: undefined });
    }
    return this.#flush();
  }

  #closeWhenDone(): void {
    const running = [...this.#ledger.values()].some((known) => [...known.values()].includes(undefined));
    if (!running || this.#now() >= this.#graceEnds) this.#closeDatabase(this.#then as Then);
  }

  #closeDatabase(then: Then): void {
    this.#phase = "closing";
    this.#then = then;
    for (const pending of this.#pending.values()) {
      // Its outcome will not be heard of here: it waits for the next term.
      pending.accepted = false;
      pending.expiresAt = this.#now() + DEADLINE_MS;
    }
    this.#do({ do: "close" });
  }

  #leaveLeader(): void {
    if (this.#leader === undefined) return;
    const { tab, term } = this.#leader;
    this.#do({ do: "mail", to: tab, message: { type: "leave", from: this.#self, term } });
    this.#lostLeader();
    // It forgets us. Should we come back in the same term, it would take the same ids for new ones.
    for (const pending of this.#pending.values()) if (pending.term === term) pending.term = LEFT;
    for (const [streamId, of] of this.#streams) if (of === term) this.#streams.set(streamId, LEFT);
  }

  /** A newer version is here: it gets the database, and we do not touch it again. */
  #stepAside(): void {
    if (this.#phase === "leading" || this.#phase === "resigning") this.#closeDatabase({ type: "replaced" });
    else if (this.#phase === "opening" || this.#phase === "closing") {
      if (this.#then?.type !== "left") this.#then = { type: "replaced" };
    } else {
      this.#leaveLeader();
      if (this.#phase !== "away") this.#do({ do: "unlock" });
      this.#fail(NEWER.error);
    }
  }

  /**
   * Nothing more can be done here. Whoever waits for a client gets the error; a page with one is told. Whoever had asked for the
   * deletion that is found here has got it, whether or not its answer has come.
   */
  #fail(error: PlainError): void {
    this.#phase = "over";
    this.#term = undefined;
    for (const [id, { call }] of this.#pending) {
      const isDone = error.code === DELETED.error.code && call.method === "client.deleteDatabase";
      if (isDone) this.#answer(id, { ok: true, result: undefined });
      else if (!this.#joined) this.#answer(id, { ok: false, error });
    }
    this.#pending.clear();
    if (this.#joined) this.#do({ do: "fatal", error });
  }

  #settle(id: number, outcome: Outcome): void {
    const pending = this.#pending.get(id) as Pending;
    this.#pending.delete(id);
    const { method, args } = pending.call;
    if (method === "stream.open" && outcome.ok) {
      this.#streams.set((args as { streamId: number }).streamId, pending.term as string);
    }
    if (method === "stream.end") this.#streams.delete((args as { streamId: number }).streamId);
    this.#answer(id, outcome);
    if (method !== "client.open") return;
    if (outcome.ok) this.#joined = true;
    else {
      // Not ours to share: the other tab has something else open under this name.
      this.#leaveLeader();
      this.#do({ do: "unlock" });
      this.#phase = "over";
    }
  }

  #event(event: StreamEvent): void {
    if (event.event === "end") this.#streams.delete(event.streamId);
    this.#do({ do: "event", event });
  }

  #endStream(streamId: number): void {
    this.#event({ type: "stream", streamId, event: "end" });
  }

  #tellSurroundings(): void {
    const surroundings = this.#surroundings;
    if (surroundings === undefined) return;
    if (this.#phase === "leading") this.#do({ do: "network", tab: this.#self, surroundings });
    else if (this.#leader !== undefined) {
      const { tab, term } = this.#leader;
      this.#do({ do: "mail", to: tab, message: { type: "network", from: this.#self, term, surroundings } });
    }
  }

  #answer(id: number, outcome: Outcome): this {
    return this.#do({ do: "answer", id, outcome });
  }

  #do(effect: Effect): this {
    this.#out.push(effect);
    return this;
  }

  #flush(): Effect[] {
    return this.#out.splice(0);
  }
}

const NO_LEADER = failure("tabs.no_leader", "no tab had the database open in time: call again", true);
const DELETED = failure("storage.deleted", "the database was deleted: reload this page");
const NEWER = failure(
  "tabs.newer_version",
  "a tab with a newer version of this app took the database: reload this page",
);
