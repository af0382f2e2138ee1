import type { CallOptions } from "./abort.js";
import { Conversation } from "./conversation.js";
import { invalidArgument } from "./errors.js";
import { signalled } from "./options.js";
import type { RoleChange, TextField } from "./rpc.js";
import {
  checkPermissionUpdate,
  type GroupPermissions,
  type MetadataField,
  type PermissionPolicy,
  type PermissionUpdateType,
} from "./permissions.js";
import { addressesOf } from "./signers.js";
import type { Identifier } from "./types.js";

/** A group chat. */
export class Group<_ContentTypes = unknown> extends Conversation<_ContentTypes> {
  get name(): string {
    return this.snapshot.name;
  }

  get description(): string {
    return this.snapshot.description;
  }

  get imageUrl(): string {
    return this.snapshot.imageUrl;
  }

  get appData(): string {
    return this.snapshot.appData;
  }

  get admins(): string[] {
    return this.snapshot.admins;
  }

  get superAdmins(): string[] {
    return this.snapshot.superAdmins;
  }

  updateName(name: string, options: CallOptions = {}): Promise<void> {
    return this.#update("name", name, options);
  }

  updateDescription(description: string, options: CallOptions = {}): Promise<void> {
    return this.#update("description", description, options);
  }

  updateImageUrl(imageUrl: string, options: CallOptions = {}): Promise<void> {
    return this.#update("imageUrl", imageUrl, options);
  }

  updateAppData(appData: string, options: CallOptions = {}): Promise<void> {
    return this.#update("appData", appData, options);
  }

  async listAdmins(): Promise<string[]> {
    return (await this.refresh()).admins;
  }

  async listSuperAdmins(): Promise<string[]> {
    return (await this.refresh()).superAdmins;
  }

  async isAdmin(inboxId: string): Promise<boolean> {
    return (await this.listAdmins()).includes(inboxId);
  }

  async isSuperAdmin(inboxId: string): Promise<boolean> {
    return (await this.listSuperAdmins()).includes(inboxId);
  }

  addAdmin(inboxId: string, options: CallOptions = {}): Promise<void> {
    return this.#changeRole("addAdmin", inboxId, options);
  }

  removeAdmin(inboxId: string, options: CallOptions = {}): Promise<void> {
    return this.#changeRole("removeAdmin", inboxId, options);
  }

  addSuperAdmin(inboxId: string, options: CallOptions = {}): Promise<void> {
    return this.#changeRole("addSuperAdmin", inboxId, options);
  }

  removeSuperAdmin(inboxId: string, options: CallOptions = {}): Promise<void> {
    return this.#changeRole("removeSuperAdmin", inboxId, options);
  }

  /** The rules of the group: who may do what. */
  async permissions(): Promise<GroupPermissions> {
    return (await this.refresh()).permissions;
  }

  /**
   * Changes one rule. Only super admins can (`group.not_permitted`). `metadataField` goes with
   * `PermissionUpdateType.UpdateMetadata` and names the field.
   */
  async updatePermission(
    permissionType: PermissionUpdateType,
    policy: PermissionPolicy,
    metadataField?: MetadataField,
    options: CallOptions = {},
  ): Promise<void> {
    checkPermissionUpdate(permissionType, policy, metadataField);
    const args = { groupId: this.id, type: permissionType, policy, field: metadataField };
    await this.change("updatePermission", options, () => this.channel.call("group.updatePermission", args));
  }

  async addMembers(inboxIds: string[], options: CallOptions = {}): Promise<void> {
    checkInboxIds(inboxIds);
    await this.change("addMembers", options, () => this.channel.call("group.addMembers", { groupId: this.id, inboxIds }));
  }

  async addMembersByIdentifiers(identifiers: Identifier[], options: CallOptions = {}): Promise<void> {
    const args = { groupId: this.id, addresses: addressesOf(identifiers) };
    await this.change("addMembersByIdentifiers", options, () => this.channel.call("group.addMembersByAddress", args));
  }

  async removeMembers(inboxIds: string[], options: CallOptions = {}): Promise<void> {
    checkInboxIds(inboxIds);
    await this.change("removeMembers", options, () => this.channel.call("group.removeMembers", { groupId: this.id, inboxIds }));
  }

  async removeMembersByIdentifiers(identifiers: Identifier[], options: CallOptions = {}): Promise<void> {
    const args = { groupId: this.id, addresses: addressesOf(identifiers) };
    await this.change("removeMembersByIdentifiers", options, () => this.channel.call("group.removeMembersByAddress", args));
  }

  /** The name of {@link Group.addMembers} in the group-chat specification. */
  addMembersByInboxId(inboxIds: string[], options?: CallOptions): Promise<void> {
    return this.addMembers(inboxIds, options);
  }

  /** The name of {@link Group.removeMembers} in the group-chat specification. */
  removeMembersByInboxId(inboxIds: string[], options?: CallOptions): Promise<void> {
    return this.removeMembers(inboxIds, options);
  }

  /**
   * Asks to be taken out of the group; a super admin's client does it when it reads the wish. Asking again does
   * nothing. Refused with `group.cannot_leave` for a super admin and in a group of one.
   */
  async requestRemoval(options: CallOptions = {}): Promise<void> {
    await signalled("requestRemoval", options, () => this.channel.call("group.requestRemoval", { groupId: this.id }));
  }

  /** Whether this inbox has asked to be taken out; true also afterwards, until it is added again. */
  isPendingRemoval(): Promise<boolean> {
    return this.channel.call("group.isPendingRemoval", { groupId: this.id });
  }

  async #update(field: TextField, value: string, options: CallOptions): Promise<void> {
    if (typeof value !== "string") throw invalidArgument(`${field} must be a string`);
    await this.change("update", options, () => this.channel.call("group.update", { groupId: this.id, field, value }));
  }

  async #changeRole(change: RoleChange, inboxId: string, options: CallOptions): Promise<void> {
    await this.change(change, options, () => this.channel.call("group.changeRole", { groupId: this.id, change, inboxId }));
  }
}

/** @internal */
export function checkInboxIds(inboxIds: string[]): void {
  if (!Array.isArray(inboxIds) || inboxIds.some((id) => typeof id !== "string")) {
    throw invalidArgument("inboxIds must be an array of strings");
  }
}
