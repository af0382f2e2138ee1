// Values as they cross to a peer's process or into the page: JSON, with bytes as { hex } and bigints as { big }.
// This file runs on all three sides, so it uses nothing but the language.

export function toPlain(value) {
  if (typeof value === "bigint") return { big: value.toString() };
  if (value instanceof Uint8Array) {
    return { hex: Array.from(value, (byte) => byte.toString(16).padStart(2, "0")).join("") };
  }
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, each]) => [key, toPlain(each)]));
  if (Array.isArray(value)) return value.map(toPlain);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).filter(([, each]) => each !== undefined && each !== null).map(([key, each]) => [key, toPlain(each)]),
    );
  }
  return value;
}

export function fromPlain(value) {
  if (Array.isArray(value)) return value.map(fromPlain);
  if (typeof value !== "object" || value === null) return value;
  const keys = Object.keys(value);
  if (keys.length === 1 && keys[0] === "big") return BigInt(value.big);
  if (keys.length === 1 && keys[0] === "hex") {
    return Uint8Array.from(value.hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  }
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, fromPlain(each)]));
}

/** `authority/type:major.minor`. */
export const typeName = (type) =>
  type && `${type.authorityId}/${type.typeId}:${type.versionMajor}.${type.versionMinor}`;

/** What both sides tell of a change of the group, in one form. */
export function changes(updated) {
  const ids = (inboxes) => (inboxes ?? []).map((inbox) => inbox.inboxId).sort();
  return {
    by: updated.initiatedByInboxId,
    added: ids(updated.addedInboxes),
    removed: ids(updated.removedInboxes),
    left: ids(updated.leftInboxes),
    fields: (updated.metadataFieldChanges ?? []).map((change) => [
      change.fieldName, change.oldValue ?? null, change.newValue ?? null,
    ]),
    admins: [ids(updated.addedAdminInboxes), ids(updated.removedAdminInboxes)],
    superAdmins: [ids(updated.addedSuperAdminInboxes), ids(updated.removedSuperAdminInboxes)],
  };
}

/** A member in the form that is compared. */
export const member = (found) => ({
  inboxId: found.inboxId,
  addresses: found.accountIdentifiers.map((each) => each.identifier).sort(),
  installations: [...found.installationIds].sort(),
  level: Number(found.permissionLevel),
});

export const byInbox = (one, other) => (one.inboxId < other.inboxId ? -1 : 1);
