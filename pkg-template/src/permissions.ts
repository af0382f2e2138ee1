/** Who may do what in a group. Names and numbers are those of `@xmtp/browser-sdk` 7.x. */
import { invalidArgument, unsupported } from "./errors.js";
import { checkKeys } from "./options.js";
import { GroupPermissionsOptions, type CreateGroupOptions } from "./types.js";

/** What a policy is about. */
export enum PermissionUpdateType {
  AddMember = 0,
  RemoveMember = 1,
  AddAdmin = 2,
  RemoveAdmin = 3,
  /** Changing one metadata field, which is named beside it. */
  UpdateMetadata = 4,
}

/** Who may. */
export enum PermissionPolicy {
  Allow = 0,
  Deny = 1,
  /** Admins and super admins. */
  Admin = 2,
  SuperAdmin = 3,
  /** Only read: the group has no rule of its own for this. */
  DoesNotExist = 4,
  /** Only read: a rule composed of others. */
  Other = 5,
}

/** The fields a policy can be about. */
export enum MetadataField {
  AppData = 0,
  Description = 1,
  GroupName = 2,
  GroupImageUrlSquare = 3,
  MessageExpirationFromNs = 4,
  MessageExpirationInNs = 5,
}

/** The policies of a group, each about one thing. */
export interface PermissionPolicySet {
  addMemberPolicy: PermissionPolicy;
  removeMemberPolicy: PermissionPolicy;
  addAdminPolicy: PermissionPolicy;
  removeAdminPolicy: PermissionPolicy;
  updateGroupNamePolicy: PermissionPolicy;
  updateGroupDescriptionPolicy: PermissionPolicy;
  updateGroupImageUrlSquarePolicy: PermissionPolicy;
  updateMessageDisappearingPolicy: PermissionPolicy;
  updateAppDataPolicy: PermissionPolicy;
}

export interface GroupPermissions {
  /** The preset whose policies these are; `CustomPolicy` when it is none. */
  policyType: GroupPermissionsOptions;
  policySet: PermissionPolicySet;
}

const POLICIES: readonly (keyof PermissionPolicySet)[] = [
  "addMemberPolicy", "removeMemberPolicy", "addAdminPolicy", "removeAdminPolicy", "updateGroupNamePolicy",
  "updateGroupDescriptionPolicy", "updateGroupImageUrlSquarePolicy", "updateMessageDisappearingPolicy",
  "updateAppDataPolicy",
];

const FIELD_NAMES: Readonly<Record<MetadataField, string>> = {
  [MetadataField.AppData]: "app_data",
  [MetadataField.Description]: "description",
  [MetadataField.GroupName]: "group_name",
  [MetadataField.GroupImageUrlSquare]: "group_image_url_square",
  [MetadataField.MessageExpirationFromNs]: "message_disappear_from_ns",
  [MetadataField.MessageExpirationInNs]: "message_disappear_in_ns",
};

/** The network's name of a metadata field, as it stands in changes of a group. */
export async function metadataFieldName(field: MetadataField): Promise<string> {
  const name = FIELD_NAMES[field];
  if (name === undefined) throw unsupported(`there is no metadata field ${String(field)}`);
  return name;
}

/** Refuses what cannot be chosen: a policy no app can set, admins named by everybody. @internal */
export function checkPolicy(name: string, policy: PermissionPolicy, ofAdmins: boolean): void {
  if (typeof policy !== "number") throw invalidArgument(`${name} must be a PermissionPolicy, which is a number`);
  if (!Number.isInteger(policy) || policy < PermissionPolicy.Allow || policy > PermissionPolicy.SuperAdmin) {
    throw unsupported(`${name} must be Allow, Deny, Admin or SuperAdmin`);
  }
  if (ofAdmins && policy === PermissionPolicy.Allow) {
    throw unsupported(`${name} cannot be Allow: changing admins is never everybody's`);
  }
}

/** Refuses a change that does not name exactly what it is about. @internal */
export function checkPermissionUpdate(
  type: PermissionUpdateType,
  policy: PermissionPolicy,
  field: MetadataField | undefined,
): void {
  if (typeof type !== "number") throw invalidArgument("the permission must be a PermissionUpdateType, which is a number");
  if (PermissionUpdateType[type] === undefined) throw unsupported(`there is no PermissionUpdateType ${type}`);
  const ofMetadata = type === PermissionUpdateType.UpdateMetadata;
  if (ofMetadata !== (field !== undefined)) {
    throw invalidArgument("a metadata field goes with PermissionUpdateType.UpdateMetadata, and only with it");
  }
  if (field !== undefined && FIELD_NAMES[field] === undefined) throw unsupported(`there is no metadata field ${String(field)}`);
  checkPolicy("the policy", policy, type === PermissionUpdateType.AddAdmin || type === PermissionUpdateType.RemoveAdmin);
}

/** Refuses rules of a new group that do not belong together. @internal */
export function checkNewPermissions({ permissions, customPermissionPolicySet }: CreateGroupOptions): void {
  if ((permissions === GroupPermissionsOptions.CustomPolicy) !== (customPermissionPolicySet !== undefined)) {
    throw invalidArgument("customPermissionPolicySet goes with permissions CustomPolicy, and CustomPolicy with it");
  }
  if (customPermissionPolicySet === undefined) return;
  checkKeys("customPermissionPolicySet", customPermissionPolicySet, POLICIES);
  for (const name of POLICIES) {
    checkPolicy(name, customPermissionPolicySet[name], name === "addAdminPolicy" || name === "removeAdminPolicy");
  }
}
