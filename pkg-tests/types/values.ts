// A third program for both packages: every value of every enum, which apps may have stored as numbers.
import type {
  ActionStyle,
  ConsentEntityType,
  ConsentState,
  ContentType,
  ConversationType,
  DeliveryStatus,
  GroupMessageKind,
  GroupPermissionsOptions,
  IdentifierKind,
  ListConversationsOrderBy,
  LogLevel,
  MessageSortBy,
  MetadataField,
  PermissionLevel,
  PermissionPolicy,
  PermissionUpdateType,
  ReactionAction,
  ReactionSchema,
  SortDirection,
} from "sdk";

/** Compiles where the enum's value is the number that is written behind it. */
type Value<E extends number, V extends `${E}`> = V;

export type ActionStyleValues = [
  Value<ActionStyle.Primary, "0">,
  Value<ActionStyle.Secondary, "1">,
  Value<ActionStyle.Danger, "2">,
];

export type ConsentEntityTypeValues = [
  Value<ConsentEntityType.GroupId, "0">,
  Value<ConsentEntityType.InboxId, "1">,
];

export type ConsentStateValues = [
  Value<ConsentState.Unknown, "0">,
  Value<ConsentState.Allowed, "1">,
  Value<ConsentState.Denied, "2">,
];

export type ContentTypeValues = [
  Value<ContentType.Actions, "0">,
  Value<ContentType.Attachment, "1">,
  Value<ContentType.Custom, "2">,
  Value<ContentType.GroupMembershipChange, "3">,
  Value<ContentType.GroupUpdated, "4">,
  Value<ContentType.Intent, "5">,
  Value<ContentType.LeaveRequest, "6">,
  Value<ContentType.Markdown, "7">,
  Value<ContentType.MultiRemoteAttachment, "8">,
  Value<ContentType.Reaction, "9">,
  Value<ContentType.ReadReceipt, "10">,
  Value<ContentType.RemoteAttachment, "11">,
  Value<ContentType.Reply, "12">,
  Value<ContentType.Text, "13">,
  Value<ContentType.TransactionReference, "14">,
  Value<ContentType.WalletSendCalls, "15">,
];

export type ConversationTypeValues = [
  Value<ConversationType.Dm, "0">,
  Value<ConversationType.Group, "1">,
  Value<ConversationType.Sync, "2">,
  Value<ConversationType.Oneshot, "3">,
];

export type DeliveryStatusValues = [
  Value<DeliveryStatus.Unpublished, "0">,
  Value<DeliveryStatus.Published, "1">,
  Value<DeliveryStatus.Failed, "2">,
];

export type GroupMessageKindValues = [
  Value<GroupMessageKind.Application, "0">,
  Value<GroupMessageKind.MembershipChange, "1">,
];

export type GroupPermissionsOptionsValues = [
  Value<GroupPermissionsOptions.Default, "0">,
  Value<GroupPermissionsOptions.AdminOnly, "1">,
  Value<GroupPermissionsOptions.CustomPolicy, "2">,
];

export type IdentifierKindValues = [
  Value<IdentifierKind.Ethereum, "0">,
  Value<IdentifierKind.Passkey, "1">,
];

export type ListConversationsOrderByValues = [
  Value<ListConversationsOrderBy.CreatedAt, "0">,
  Value<ListConversationsOrderBy.LastActivity, "1">,
];

export type LogLevelValues = [
  Value<LogLevel.Off, "0">,
  Value<LogLevel.Error, "1">,
  Value<LogLevel.Warn, "2">,
  Value<LogLevel.Info, "3">,
  Value<LogLevel.Debug, "4">,
  Value<LogLevel.Trace, "5">,
];

export type MessageSortByValues = [
  Value<MessageSortBy.SentAt, "0">,
  Value<MessageSortBy.InsertedAt, "1">,
];

export type MetadataFieldValues = [
  Value<MetadataField.AppData, "0">,
  Value<MetadataField.Description, "1">,
  Value<MetadataField.GroupName, "2">,
  Value<MetadataField.GroupImageUrlSquare, "3">,
  Value<MetadataField.MessageExpirationFromNs, "4">,
  Value<MetadataField.MessageExpirationInNs, "5">,
];

export type PermissionLevelValues = [
  Value<PermissionLevel.Member, "0">,
  Value<PermissionLevel.Admin, "1">,
  Value<PermissionLevel.SuperAdmin, "2">,
];

export type PermissionPolicyValues = [
  Value<PermissionPolicy.Allow, "0">,
  Value<PermissionPolicy.Deny, "1">,
  Value<PermissionPolicy.Admin, "2">,
  Value<PermissionPolicy.SuperAdmin, "3">,
  Value<PermissionPolicy.DoesNotExist, "4">,
  Value<PermissionPolicy.Other, "5">,
];

export type PermissionUpdateTypeValues = [
  Value<PermissionUpdateType.AddMember, "0">,
  Value<PermissionUpdateType.RemoveMember, "1">,
  Value<PermissionUpdateType.AddAdmin, "2">,
  Value<PermissionUpdateType.RemoveAdmin, "3">,
  Value<PermissionUpdateType.UpdateMetadata, "4">,
];

export type ReactionActionValues = [
  Value<ReactionAction.Unknown, "0">,
  Value<ReactionAction.Added, "1">,
  Value<ReactionAction.Removed, "2">,
];

export type ReactionSchemaValues = [
  Value<ReactionSchema.Unknown, "0">,
  Value<ReactionSchema.Unicode, "1">,
  Value<ReactionSchema.Shortcode, "2">,
  Value<ReactionSchema.Custom, "3">,
];

export type SortDirectionValues = [
  Value<SortDirection.Ascending, "0">,
  Value<SortDirection.Descending, "1">,
];
