// One person with one installation, on either side. A subclass says how a verb reaches the client (`ask`); what a
// person can do is the same for all.
import { once } from "node:events";
import { EventEmitter } from "node:events";
import { takingBack } from "./content.mjs";

/** How long one command may take, milliseconds. */
export const PATIENCE = Number(process.env.XMTP_INTEROP_PATIENCE ?? 120_000);

/** Asks again and again until it holds: for what a client does in its own time. */
export async function eventually(what, holds, patience = 20_000) {
  const deadline = Date.now() + patience;
  for (;;) {
    if (await holds()) return;
    if (Date.now() > deadline) throw new Error(`not within ${patience / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

export class Person {
  #heard = [];
  #ears = new EventEmitter();

  constructor(name, wallet) {
    this.name = name;
    this.wallet = wallet;
    this.address = wallet.address;
  }

  /** What a failed command throws: the client's own words, with who was asked for what. */
  failure(verb, error) {
    const failed = new Error(`${this.name} (${this.side}) ${verb}: ${error.code ? `${error.code}: ` : ""}${error.message}`);
    failed.code = error.code;
    return failed;
  }

  async within(verb, work) {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(this.failure(verb, { message: `no answer in ${PATIENCE / 1000} s` })), PATIENCE);
    });
    return Promise.race([work, late]).finally(() => clearTimeout(timer));
  }

  takeEvent(event) {
    this.#heard.push(event);
    this.#ears.emit("event");
  }

  /** What the stream has brought so far. */
  heard(stream) {
    return this.#heard.filter((event) => event.stream === stream).map((event) => event.value);
  }

  /** Waits until the stream has brought something that fits. */
  hears(stream, fits) {
    const look = async () => {
      for (;;) {
        const found = this.heard(stream).find(fits);
        if (found !== undefined) return found;
        await once(this.#ears, "event");
      }
    };
    return this.within(`hears on the stream of ${stream}`, look());
  }

  async opened(found) {
    Object.assign(this, found);
  }

  canMessage(people) { return this.ask("canMessage", people.map((each) => each.address ?? each)); }
  inboxOf(person) { return this.ask("inboxOf", person.address); }
  /** Answers the group's id. */
  createGroup(people, options = {}) {
    return this.ask("createGroup", { addresses: people.map((each) => each.address), ...options });
  }
  createGroupByInbox(people, options = {}) {
    return this.ask("createGroup", { inboxIds: people.map((each) => each.inboxId), ...options });
  }
  /** Welcomes only. */
  sync() { return this.ask("sync"); }
  syncAll() { return this.ask("syncAll"); }
  syncGroup(group) { return this.ask("syncGroup", group); }
  groups() { return this.ask("groups"); }
  say(group, text) { return this.ask("say", group, text); }
  sayMany(group, texts) { return this.ask("sayMany", group, texts); }
  send(group, encoded) { return this.ask("send", group, encoded); }
  /** By the package's helper for a kind of content. Answers the id. */
  sendTyped(group, kind, value) { return this.ask("sendTyped", group, kind, value); }
  /** Messages with their content as the package decodes it. */
  decoded(group) { return this.ask("decoded", group); }
  lastReadTimes(group) { return this.ask("lastReadTimes", group); }
  messages(group) { return this.ask("messages", group); }
  /** What people said, oldest first. */
  async said(group) { return (await this.messages(group)).filter((message) => message.kind === "said"); }
  async texts(group) { return (await this.said(group)).map((message) => message.text); }
  /** The lines about changes of the group, oldest first. */
  async changes(group) { return (await this.messages(group)).filter((message) => message.kind === "changed"); }
  /** Takes a message back; see also `takeBackAnyway`, which asks nobody whether one may. */
  takeBack(group, id) { return this.ask("takeBack", group, id); }
  takeBackAnyway(group, id) { return this.send(group, takingBack(id)); }
  members(group) { return this.ask("members", group); }
  async memberInboxes(group) { return (await this.members(group)).map((member) => member.inboxId); }
  describe(group) { return this.ask("describe", group); }
  async epoch(group) { return Number(await this.ask("epoch", group)); }
  rename(group, name) { return this.update(group, "name", name); }
  /** field: name, description, imageUrl, appData */
  update(group, field, value) { return this.ask("update", group, field, value); }
  addAdmin(group, person) { return this.ask("role", group, "addAdmin", person.inboxId); }
  removeAdmin(group, person) { return this.ask("role", group, "removeAdmin", person.inboxId); }
  addSuperAdmin(group, person) { return this.ask("role", group, "addSuperAdmin", person.inboxId); }
  removeSuperAdmin(group, person) { return this.ask("role", group, "removeSuperAdmin", person.inboxId); }
  addByAddress(group, ...people) { return this.ask("addAddresses", group, people.map((each) => each.address)); }
  addByInbox(group, ...people) { return this.ask("addInboxes", group, people.map((each) => each.inboxId)); }
  removeByAddress(group, ...people) { return this.ask("removeAddresses", group, people.map((each) => each.address)); }
  removeByInbox(group, ...people) { return this.ask("removeInboxes", group, people.map((each) => each.inboxId)); }
  createDm(person, options = {}) { return this.ask("createDm", { inboxId: person.inboxId, ...options }); }
  createDmByAddress(person, options = {}) { return this.ask("createDm", { address: person.address, ...options }); }
  dmWith(person) { return this.ask("dmWith", person.inboxId); }
  dms() { return this.ask("dms"); }
  duplicateDms(id) { return this.ask("duplicateDms", id); }
  consent(kind, entity) { return this.ask("consent", kind, entity); }
  setConsent(kind, entity, state) { return this.ask("setConsent", kind, entity, state); }
  consentOf(group) { return this.ask("consentOf", group); }
  setConsentOf(group, state) { return this.ask("setConsentOf", group, state); }
  syncPreferences() { return this.ask("syncPreferences"); }
  permissions(group) { return this.ask("permissions", group); }
  updatePermission(group, type, policy, field) { return this.ask("updatePermission", group, type, policy, field); }
  disappearing(group) { return this.ask("disappearing", group); }
  setDisappearing(group, fromNs, inNs) { return this.ask("setDisappearing", group, String(fromNs), String(inNs)); }
  stopDisappearing(group) { return this.ask("stopDisappearing", group); }
  leave(group) { return this.ask("leave", group); }
  isLeaving(group) { return this.ask("isLeaving", group); }
  pausedFor(group) { return this.ask("pausedFor", group); }
  revoke(...people) { return this.ask("revoke", people.map((each) => each.installationId)); }
  ownInstallations() { return this.ask("ownInstallations"); }
  keyPackages(...people) { return this.ask("keyPackages", people.map((each) => each.installationId)); }
  askForHistory(server) { return this.ask("askForHistory", server); }
  offerHistory(pin, server) { return this.ask("offerHistory", pin, server); }
  takeHistory(pin) { return this.ask("takeHistory", pin); }
  offeredHistory() { return this.ask("offeredHistory"); }
  /** Everything, as hex. Keys are hex too. */
  createArchive(key) { return this.ask("createArchive", key); }
  importArchive(file, key) { return this.ask("importArchive", file, key); }
  archiveMetadata(file, key) { return this.ask("archiveMetadata", file, key); }
  listen() { return this.ask("listen"); }
  stopListening() { return this.ask("stopListening"); }
}
