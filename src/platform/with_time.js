// Calls a function while `Date.now` answers a fixed time, and puts `Date.now` back however the call ends: a trap of
// the wasm instance is an exception here. Where `Date` is frozen the call runs at the real time.
export function withTime(milliseconds, call) {
  const now = Date.now;
  Reflect.set(Date, "now", () => milliseconds);
  try {
    call();
  } finally {
    Reflect.set(Date, "now", now);
  }
}
