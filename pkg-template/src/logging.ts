/**
 * What a client tells the console, where the app asks for it. Names of calls and streams, codes, states and durations: no ids, no
 * addresses, no keys, no texts, and nothing of what was asked or answered.
 */
import { callApp } from "./callbacks.js";
import { invalidArgument } from "./errors.js";
import { LogLevel, type ClientOptions } from "./types.js";

/** What is logged and how. */
export interface LogSettings {
  level: Exclude<LogLevel, LogLevel.Off>;
  /** One JSON object a line. */
  isStructured: boolean;
  /** Calls are timed. */
  isTiming: boolean;
}

type Value = string | number | boolean;
/** Details of a line; what is undefined is left out. */
export type LogFields = Readonly<Record<string, Value | undefined>>;

type Sink = "error" | "warn" | "info" | "debug";
/** By level: its name in a line, and the console's method. `console.trace` would print a stack with each line. */
const LEVELS: Readonly<Record<LogSettings["level"], readonly [name: string, sink: Sink]>> = {
  [LogLevel.Error]: ["ERROR", "error"],
  [LogLevel.Warn]: ["WARN", "warn"],
  [LogLevel.Info]: ["INFO", "info"],
  [LogLevel.Debug]: ["DEBUG", "debug"],
  [LogLevel.Trace]: ["TRACE", "debug"],
};

/**
 * What the three options of a client come to; undefined: nothing is logged. As in the package this one follows that is so
 * unless one of them is given, and who gives no level gets `Info`. @internal
 */
export function logSettings({ loggingLevel, structuredLogging, performanceLogging }: ClientOptions): LogSettings | undefined {
  for (const [name, value] of Object.entries({ structuredLogging, performanceLogging })) {
    if (value !== undefined && typeof value !== "boolean") throw invalidArgument(`${name} must be true or false`);
  }
  if (loggingLevel !== undefined && !(Number.isInteger(loggingLevel) && LogLevel[loggingLevel] !== undefined)) {
    throw invalidArgument("loggingLevel must be a value of LogLevel");
  }
  const isAsked = structuredLogging === true || performanceLogging === true;
  const level = loggingLevel ?? (isAsked ? LogLevel.Info : LogLevel.Off);
  if (level === LogLevel.Off) return undefined;
  return { level, isStructured: structuredLogging ?? false, isTiming: performanceLogging ?? false };
}

/** Clients of a page are told apart by the order in which they were opened. */
let opened = 0;

/** @internal */
export class Log {
  readonly #settings: LogSettings;
  readonly #number = (opened += 1);

  constructor(settings: LogSettings) {
    this.#settings = settings;
  }

  /** Whether lines of a level are written. */
  has(level: LogSettings["level"]): boolean {
    return level <= this.#settings.level;
  }

  write(level: LogSettings["level"], message: string, fields: LogFields = {}): void {
    if (!this.has(level)) return;
    const [name, sink] = LEVELS[level];
    const given = Object.entries(fields).filter(([, value]) => value !== undefined);
    const line = this.#settings.isStructured
      ? JSON.stringify({
          time: new Date().toISOString(),
          level: name,
          target: "xmtp-web",
          client: this.#number,
          message,
          ...Object.fromEntries(given),
        })
      : [`[xmtp-web ${this.#number}]`, message, ...given.map(([field, value]) => `${field}=${value}`)].join(" ");
    // A console of the app that throws must stop nothing here.
    callApp(() => console[sink](line));
  }

  error(message: string, fields?: LogFields): void {
    this.write(LogLevel.Error, message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.write(LogLevel.Warn, message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.write(LogLevel.Info, message, fields);
  }

  debug(message: string, fields?: LogFields): void {
    this.write(LogLevel.Debug, message, fields);
  }

  /** A call begins. Answers what is to be told of its end: the code it failed with, or nothing. */
  call(method: string): (code?: string) => void {
    this.write(LogLevel.Trace, "call", { method });
    const start = performance.now();
    return (code) => {
      const end = performance.now();
      const ms = this.#settings.isTiming ? Math.round((end - start) * 10) / 10 : undefined;
      if (this.#settings.isTiming) measure(`xmtp-web ${method}`, start, end);
      if (code !== undefined) this.write(levelOf(code), "call failed", { method, code, ms });
      else this.write(ms === undefined ? LogLevel.Debug : LogLevel.Info, "call done", { method, ms });
    };
  }
}

/** A defect of this package is an error; that something was closed or given up is as the app wanted it. */
function levelOf(code: string): LogSettings["level"] {
  if (code === "internal") return LogLevel.Error;
  return code === "client.closed" || code === "call.aborted" ? LogLevel.Debug : LogLevel.Warn;
}

/** Shows a duration in the browser's Performance panel, and to its observers. Not kept: a page may live for weeks. */
function measure(name: string, start: number, end: number): void {
  performance.measure(name, { start, end });
  performance.clearMeasures(name);
}
