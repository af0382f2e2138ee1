/** Whether this page, or the page of this worker, is of no origin that it could share with anything: as a frame in a sandbox is. */
export function isOpaque(): boolean {
  return (globalThis as { origin?: string }).origin === "null";
}
