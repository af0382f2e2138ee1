/** What the hooks read: state outside of React, kept up to date for as long as somebody looks. */
import { useSyncExternalStore } from "react";
import { asXmtpError } from "../callbacks.js";
import type { Client } from "../client.js";
import type { XmtpError } from "../errors.js";
import type { AsyncStreamProxy, StreamOptions } from "../streams.js";

/** What every hook that reads something tells besides what it reads. */
export interface Loading {
  /** Nothing was read yet, or the client is still being opened. */
  isLoading: boolean;
  /** The node is being asked for what was missed. What is in the database is shown meanwhile. */
  isSyncing: boolean;
  /** Why the last reading failed, or why nothing is told of changes any more. {@link Loading.refresh} tries again. */
  error: XmtpError | undefined;
  /** Reads again, and follows again if that has stopped. Resolves when it is done; what fails is in `error`. */
  refresh: () => Promise<void>;
}

/** A stream by which something is heard to have changed. @internal */
export interface Bell<T> {
  open: (options: StreamOptions<T>) => Promise<AsyncStreamProxy<T>>;
  /** What a value means: to read again (true), or nothing. */
  heard: (value: T) => boolean;
}

/** Names the type of a bell's values, which a list of bells does not. @internal */
export function bell<T>(open: Bell<T>["open"], heard: Bell<T>["heard"] = () => true): Bell<unknown> {
  return { open, heard } as unknown as Bell<unknown>;
}

/** One time between the first who looks and the last. */
interface Run {
  ended: boolean;
  /** A stream gave up or could not be opened. */
  failed: boolean;
  streams: AsyncStreamProxy<unknown>[];
  reading: Promise<void> | undefined;
  again: boolean;
}

/**
 * State that is read from the database at first and at each ring of its bells. Streams are open while anybody is
 * subscribed. A change makes a new state object, nothing else does. @internal
 */
export abstract class Live<T extends Loading> {
  #state: T;
  #run: Run | undefined;
  readonly #listeners = new Set<() => void>();
  /** Where this is found by others who look at the same. */
  shelf: { lives: Map<string, Live<Loading>>; key: string } | undefined;

  constructor(initial: Omit<T, keyof Loading>) {
    const loading: Loading = { isLoading: true, isSyncing: true, error: undefined, refresh: () => this.refresh() };
    this.#state = { ...initial, ...loading } as T;
  }

  protected abstract read(): Promise<Partial<T>>;
  protected abstract bells(): Bell<unknown>[];

  protected get state(): T {
    return this.#state;
  }

  readonly getSnapshot = (): T => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (this.#run === undefined) this.#begin();
    return () => {
      this.#listeners.delete(listener);
      // Strict mode, and a list that is sorted anew, leave and come back at once.
      queueMicrotask(() => {
        if (this.#listeners.size === 0) this.#end();
      });
    };
  };

  async refresh(): Promise<void> {
    if (this.#run?.failed) {
      this.#end();
      this.#begin();
    }
    if (this.#run !== undefined) await this.#read(this.#run);
  }

  /** Takes over what differs and tells, unless nothing does. */
  protected set(change: Partial<T>): void {
    const entries = Object.entries(change) as [keyof T, T[keyof T]][];
    if (entries.every(([name, value]) => Object.is(this.#state[name], value))) return;
    this.#state = { ...this.#state, ...change };
    for (const listener of [...this.#listeners]) listener();
  }

  #begin(): void {
    const run: Run = { ended: false, failed: false, streams: [], reading: undefined, again: false };
    this.#run = run;
    if (this.shelf !== undefined && !this.shelf.lives.has(this.shelf.key)) this.shelf.lives.set(this.shelf.key, this as unknown as Live<Loading>);
    this.set({ isSyncing: true } as Partial<T>);
    void this.#read(run);
    const opened = this.bells().map((each) => this.#follow(run, each));
    void Promise.all(opened).then(async () => {
      // Opening fetched, and what was fetched before the streams were there rang no bell.
      if (!run.ended) await this.#read(run);
      if (!run.ended) this.set({ isSyncing: false } as Partial<T>);
    });
  }

  #end(): void {
    const run = this.#run;
    if (run === undefined) return;
    run.ended = true;
    this.#run = undefined;
    for (const stream of run.streams) void stream.end();
    if (this.shelf?.lives.get(this.shelf.key) === (this as unknown as Live<Loading>)) this.shelf.lives.delete(this.shelf.key);
  }

  /** Resolves once the stream is open, or cannot be opened. */
  async #follow(run: Run, { open, heard }: Bell<unknown>): Promise<void> {
    let hasFailed = false;
    const fail = (error: unknown): void => {
      run.failed = true;
      if (!run.ended) this.set({ error: asXmtpError(error) } as Partial<T>);
    };
    try {
      const stream = await open({
        onFail: () => (hasFailed = true),
        // An error of a single value is none of what is read.
        onError: (error) => hasFailed && fail(error),
        onRestart: () => void this.#read(run),
      });
      if (run.ended) return void stream.end();
      run.streams.push(stream);
      void this.#listen(run, stream, heard);
    } catch (error) {
      fail(error);
    }
  }

  async #listen(run: Run, stream: AsyncStreamProxy<unknown>, heard: (value: unknown) => boolean): Promise<void> {
    for await (const value of stream) {
      if (run.ended) return;
      if (heard(value)) void this.#read(run);
    }
  }

  /** Reads once at a time; whoever asks during a reading waits for the one after it. */
  #read(run: Run): Promise<void> {
    if (run.ended) return Promise.resolve();
    if (run.reading !== undefined) {
      run.again = true;
      return run.reading;
    }
    run.reading = this.#readUntilStill(run).finally(() => (run.reading = undefined));
    return run.reading;
  }

  async #readUntilStill(run: Run): Promise<void> {
    do {
      run.again = false;
      try {
        const found = await this.read();
        if (run.ended) return;
        this.set({ ...found, isLoading: false, ...(run.failed ? {} : { error: undefined }) } as Partial<T>);
      } catch (error) {
        if (!run.ended) this.set({ isLoading: false, error: asXmtpError(error) } as Partial<T>);
      }
    } while (run.again && !run.ended);
  }
}

const shelves = new WeakMap<Client, Map<string, Live<Loading>>>();

/** The one state of a client under a name, made where there is none. @internal */
export function liveOf<T extends Loading>(client: Client, key: string, make: () => Live<T>): Live<T> {
  let lives = shelves.get(client);
  if (lives === undefined) shelves.set(client, (lives = new Map()));
  const found = lives.get(key);
  if (found !== undefined) return found as unknown as Live<T>;
  const made = make();
  const shelved = made as unknown as Live<Loading>;
  shelved.shelf = { lives, key };
  lives.set(key, shelved);
  return made;
}

/** The one that is there already. @internal */
export function existingLive(client: Client, prefix: string): Live<Loading>[] {
  return [...(shelves.get(client)?.entries() ?? [])].filter(([key]) => key.startsWith(prefix)).map(([, live]) => live);
}

const nothing = (): void => undefined;
const subscribeToNothing = (): (() => void) => nothing;

/** The state of `live`, or `idle` where there is none, as on a server. @internal */
export function useLive<T extends Loading>(live: Live<T> | undefined, idle: T): T {
  const snapshot = live?.getSnapshot ?? ((): T => idle);
  return useSyncExternalStore(live?.subscribe ?? subscribeToNothing, snapshot, () => idle);
}

/** What is told where there is no client: not loading, or loading while one is being opened. @internal */
export function idleStates<T extends Loading>(empty: Omit<T, keyof Loading>): { closed: T; opening: T } {
  const closed = { ...empty, isLoading: false, isSyncing: false, error: undefined, refresh: async () => undefined } as unknown as T;
  return { closed, opening: { ...closed, isLoading: true } };
}

/** Options as a text that is equal for equal ones, so that an object written anew at each render is none. @internal */
export function keyOf(options: object): string {
  const known = Object.entries(options).filter(([, value]) => value !== undefined);
  known.sort(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify(known, (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value));
}
