import { Conversation } from "./conversation.js";
import { invalidArgument } from "./errors.js";
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

  updateName(name: string): Promise<void> {
    return this.#update("name", name);
  }

  updateDescription(description: string): Promise<void> {
    return this.#update("description", description);
  }

  updateImageUrl(imageUrl: string): Promise<void> {
    return this.#update("imageUrl", imageUrl);
  }

  updateAppData(appData: string): Promise<void> {
    return this.#update("appData", appData);
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

  addAdmin(inboxId: string): Promise<void> {
    return this.#changeRole("addAdmin", inboxId);
  }

  removeAdmin(inboxId: string): Promise<void> {
    return this.#changeRole("removeAdmin", inboxId);
  }

  addSuperAdmin(inboxId: string): Promise<void> {
    return this.#changeRole("addSuperAdmin", inboxId);
  }

  removeSuperAdmin(inboxId: string): Promise<void> {
    return this.#changeRole("removeSuperAdmin", inboxId);
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
  ): Promise<void> {
    checkPermissionUpdate(permissionType, policy, metadataField);
    const change = { type: permissionType, policy, field: metadataField };
    this.snapshot = await this.channel.call("group.updatePermission", { groupId: this.id, ...change });
  }

  async addMembers(inboxIds: string[]): Promise<void> {
    checkInboxIds(inboxIds);
    this.snapshot = await this.channel.call("group.addMembers", { groupId: this.id, inboxIds });
  }

  async addMembersByIdentifiers(identifiers: Identifier[]): Promise<void> {
    const addresses = addressesOf(identifiers);
    this.snapshot = await this.channel.call("group.addMembersByAddress", { groupId: this.id, addresses });
  }

  async removeMembers(inboxIds: string[]): Promise<void> {
    checkInboxIds(inboxIds);
    this.snapshot = await this.channel.call("group.removeMembers", { groupId: this.id, inboxIds });
  }

  async removeMembersByIdentifiers(identifiers: Identifier[]): Promise<void> {
    const addresses = addressesOf(identifiers);
    this.snapshot = await this.channel.call("group.removeMembersByAddress", { groupId: this.id, addresses });
  }

  /** The name of {@link Group.addMembers} in the group-chat specification. */
  addMembersByInboxId(inboxIds: string[]): Promise<void> {
    return this.addMembers(inboxIds);
  }

  /** The name of {@link Group.removeMembers} in the group-chat specification. */
  removeMembersByInboxId(inboxIds: string[]): Promise<void> {
    return this.removeMembers(inboxIds);
  }

  /**
   * Asks to be taken out of the group; a super admin's client does it when it reads the wish. Asking again does
   * nothing. Refused with `group.cannot_leave` for a super admin and in a group of one.
   */
  async requestRemoval(): Promise<void> {
    await this.channel.call("group.requestRemoval", { groupId: this.id });
  }

  /** Whether this inbox has asked to be taken out; true also afterwards, until it is added again. */
  isPendingRemoval(): Promise<boolean> {
    return this.channel.call("group.isPendingRemoval", { groupId: this.id });
  }

  async #update(field: TextField, value: string): Promise<void> {
    if (typeof value !== "string") throw invalidArgument(`${field} must be a string`);
    this.snapshot = await this.channel.call("group.update", { groupId: this.id, field, value });
  }

  async #changeRole(change: RoleChange, inboxId: string): Promise<void> {
    this.snapshot = await this.channel.call("group.changeRole", { groupId: this.id, change, inboxId });
  }
}

/** @internal */
export function checkInboxIds(inboxIds: string[]): void {
  if (!Array.isArray(inboxIds) || inboxIds.some((id) => typeof id !== "string")) {
    throw invalidArgument("inboxIds must be an array of strings");
  }
}
