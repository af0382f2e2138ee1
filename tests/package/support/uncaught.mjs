// What nobody caught while something ran: what an app throws is to be seen by whoever watches for that.
import { setImmediate } from "node:timers/promises";

/** The texts of the errors, in their order. */
export async function uncaught(run) {
  const faults = [];
  const listeners = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (error) => faults.push(error.message));
  try {
    await run();
    for (let turn = 0; turn < 10; turn += 1) await setImmediate();
  } finally {
    process.removeAllListeners("uncaughtException");
    for (const listener of listeners) process.on("uncaughtException", listener);
  }
  return faults;
}
