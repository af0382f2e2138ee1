/** The part of `FileSystemSyncAccessHandle` used here; the DOM library of the page has no type for it. */
interface Writing {
  write(buffer: ArrayBufferView, options?: { at?: number }): number;
}

/**
 * Makes want of space known where a browser is silent about it: Chromium's private windows answer a number that is not
 * what was written (its error, as a number without a sign) instead of throwing. Anywhere a part that was written means the
 * same. Runs in the worker, once.
 */
export function tellWantOfSpace(scope: object = globalThis): void {
  const { FileSystemSyncAccessHandle: handle } = scope as { FileSystemSyncAccessHandle?: { prototype: Writing } };
  if (handle === undefined) return;
  const { write } = handle.prototype;
  handle.prototype.write = function (this: Writing, buffer, options) {
    const written = write.call(this, buffer, options);
    if (written === buffer.byteLength) return written;
    throw new DOMException("not everything was written: no space is left", "QuotaExceededError");
  };
}
