// The state of one simulated Salesforce org: schema, people and permissions, automations, records,
// sessions and usage. Plain data; the modules beside it and in salesforce/ give it its meaning.

import { type IdGenerator } from './ids.ts'

/** A field of a describe result, with all keys that Salesforce returns (58 to 60, by version). */
export interface FieldDescribe {
  name: string
  label: string
  type: string
  length: number
  byteLength: number
  precision: number
  scale: number
  digits: number
  custom: boolean
  nillable: boolean
  createable: boolean
  updateable: boolean
  unique: boolean
  externalId: boolean
  idLookup: boolean
  caseSensitive: boolean
  nameField: boolean
  autoNumber: boolean
  calculated: boolean
  calculatedFormula: string | null
  defaultValue: unknown
  defaultValueFormula: string | null
  defaultedOnCreate: boolean
  filterable: boolean
  groupable: boolean
  sortable: boolean
  aggregatable: boolean
  restrictedPicklist: boolean
  dependentPicklist: boolean
  picklistValues: PicklistValue[]
  referenceTo: string[]
  relationshipName: string | null
  relationshipOrder: number | null
  inlineHelpText: string | null
  compoundFieldName: string | null
  soapType: string
  [key: string]: unknown
}

export interface PicklistValue {
  active: boolean
  defaultValue: boolean
  label: string
  validFor: string | null
  value: string
}

/** A value of a global value set. */
export interface GlobalValue {
  value: string
  label: string
  active: boolean
  defaultValue: boolean
  color: string | null
  description: string | null
}

export interface Stamps {
  createdById: string
  createdDate: Date
  lastModifiedById: string
  lastModifiedDate: Date
}

/** Replaced by another one, never changed: all orgs share the standard fields. */
export interface Field extends Readonly<Stamps> {
  /** 00N…; of a standard field, which has no id in Salesforce, its durable one: `Account.Name`. */
  readonly id: string
  readonly describe: Readonly<FieldDescribe>
  /**
   * Under field-level security: shown only to users who were granted it. System fields, required
   * fields and master-detail fields are always shown.
   */
  readonly secured: boolean
  readonly description: string | null
  /** For a reference: what the parent calls its children; undefined: derived from the child's name. */
  readonly childRelationshipName?: string | null
  /** The global value set that a picklist takes its values from, by its name. */
  readonly globalValueSet?: string
  /** The custom field's metadata as it was deployed, if it was. */
  readonly metadata?: Record<string, unknown>
  readonly deletedAt?: Date
}

export interface GlobalValueSet extends Stamps {
  /** 0Nt… */
  id: string
  developerName: string
  label: string
  description: string | null
  sorted: boolean
  /** Active and inactive ones, in the order in which fields list them. */
  values: GlobalValue[]
}

/** A record of a custom metadata type: metadata, not data. */
export interface CustomMetadataRecord extends Stamps {
  /** m00… */
  id: string
  /** API name of its type: `Tier__mdt`. */
  type: string
  developerName: string
  label: string
  description: string | null
  protected: boolean
  /** By the API names of its type's fields; targets of relationships are given by name, as in files. */
  values: Readonly<Record<string, string | number | boolean | null>>
}

/** A text that pages, formulas and code refer to by name. */
export interface CustomLabel extends Stamps {
  /** 101… */
  id: string
  name: string
  language: string
  isProtected: boolean
  shortDescription: string
  value: string
  /** Comma-separated. */
  categories: string | null
}

/** A right that formulas, flows and code ask for by name. */
export interface CustomPermission extends Stamps {
  /** 0CP… */
  id: string
  name: string
  label: string
  description: string | null
}

export interface RecordType extends Stamps {
  /** 012… */
  id: string
  developerName: string
  name: string
  active: boolean
  isDefault: boolean
  description: string | null
  /** Of accounts that are people. */
  isPerson?: true
  /** The name of the process that it offers the status of. */
  businessProcess?: string
  /** As it was deployed, if it was. */
  metadata?: Record<string, unknown>
}

/** A lead, sales, support or solution process: which values of the object's status its record types offer. */
export interface BusinessProcess extends Stamps {
  /** 019… */
  id: string
  /** May contain spaces, unlike other API names. */
  name: string
  active: boolean
  description: string | null
  values: { value: string; isDefault: boolean }[]
}

export interface ValidationRule extends Stamps {
  /** 03d… */
  id: string
  name: string
  active: boolean
  description: string | null
  errorConditionFormula: string
  errorMessage: string
  /** A field's name; null: top of the page. */
  errorDisplayField: string | null
  namespace: string | null
}

/** What an object's file lists beside fields, record types and rules, by its element there. */
export type PartElement = 'compactLayouts' | 'fieldSets' | 'listViews' | 'webLinks'

/** A compact layout, field set, list view, or button or link of an object. */
export interface ObjectPart extends Stamps {
  /** 0AH…, 0IX…, 00B… or 00b…, in the order of their elements above. */
  id: string
  name: string
  label: string
  namespace: string | null
  /** As it was deployed, without fullName. */
  metadata: Record<string, unknown>
}

export interface SObject extends Stamps {
  /** 01I… for custom objects, the name itself for standard ones. */
  durableId: string
  name: string
  /** Keys of the describe beside fields, record types, child relationships and urls. */
  describe: SObjectDescribe
  /** By lower-cased name, in the order in which describe lists them. */
  fields: Map<string, Field>
  businessProcesses: BusinessProcess[]
  recordTypes: RecordType[]
  validationRules: ValidationRule[]
  parts: Record<PartElement, ObjectPart[]>
  /** The compact layout of records whose record type does not name one; null: Salesforce's own. */
  compactLayout: string | null
  namespace: string | null
  sharingModel: string
  description: string | null
  deploymentStatus: 'Deployed' | 'InDevelopment'
  /** Changes when the object itself or one of its fields changes. */
  schemaModifiedAt: Date
  deletedAt?: Date
  /** The object's own metadata as it was deployed, without fields, record types and rules. */
  metadata?: Record<string, unknown>
  /** A describe taken from a file and returned unchanged. null: the file only lists it. */
  imported?: Record<string, unknown> | null
}

export interface SObjectDescribe {
  label: string
  labelPlural: string
  keyPrefix: string | null
  custom: boolean
  customSetting: boolean
  associateEntityType: string | null
  associateParentEntity: string | null
  createable: boolean
  updateable: boolean
  deletable: boolean
  undeletable: boolean
  queryable: boolean
  retrieveable: boolean
  searchable: boolean
  layoutable: boolean
  triggerable: boolean
  replicateable: boolean
  mergeable: boolean
  feedEnabled: boolean
  mruEnabled: boolean
  [key: string]: unknown
}

/** What a profile or permission set allows. Keys of the maps are lower-cased `Object.Field` / `Object`. */
export interface Grants {
  fields: Map<string, { readable: boolean; editable: boolean }>
  objects: Map<string, ObjectGrant>
  /** Names as in PermissionSet: `ApiEnabled`, `CustomizeApplication`, `ModifyMetadata` … */
  system: Set<string>
}

export interface ObjectGrant {
  read: boolean
  create: boolean
  edit: boolean
  delete: boolean
  viewAll: boolean
  modifyAll: boolean
}

export interface Profile extends Stamps {
  /** 00e… */
  id: string
  name: string
  grants: Grants
  /** Standard fields that this profile hides, lower-cased `Object.Field`; all others are shown. */
  hidden: Set<string>
  /** False: only objects named in `grants.objects` can be read (a restricted integration profile). */
  readsEveryObject: boolean
  /** Deployed parts that are not grants: layout assignments, tabs, record types … */
  extras?: Record<string, unknown>
}

export interface PermissionSet extends Stamps {
  /** 0PS… */
  id: string
  name: string
  label: string
  description: string | null
  namespace: string | null
  grants: Grants
  /** Deployed parts that are not grants: tab settings, record types … */
  extras?: Record<string, unknown>
}

export interface PermissionSetGroup extends Stamps {
  /** 0PG… */
  id: string
  /** 0PS… of the permission set of type Group, which represents the group in queries and assignments. */
  setId: string
  developerName: string
  label: string
  description: string | null
  hasActivationRequired: boolean
  permissionSetIds: string[]
}

export interface PermissionSetAssignment {
  /** 0Pa… */
  id: string
  /** For an assigned group: the set that represents it. */
  permissionSetId: string
  permissionSetGroupId?: string
  assigneeId: string
}

export interface User {
  /** 005… */
  id: string
  username: string
  email: string
  firstName: string
  lastName: string
  profileId: string
  active: boolean
  /** May not log in, nor have tokens refreshed; current sessions stay valid. */
  frozen?: boolean
  createdDate: Date
}

/** The members of a queue or a public group: users by username, all others by developer name. */
export interface GroupMembers {
  publicGroups: string[]
  roleAndSubordinates: string[]
  roleAndSubordinatesInternal: string[]
  roles: string[]
  users: string[]
}

export interface Group extends Stamps {
  /** 00G… */
  id: string
  /** `Organization`: all internal users. */
  type: 'Queue' | 'Regular' | 'Organization'
  developerName: string
  name: string
  description: string | null
  email: string | null
  sendsEmailToMembers: boolean
  /** Null if the file of a queue does not mention it. */
  includesBosses: boolean | null
  /** Objects whose records the queue may own. */
  queueObjects: string[]
  members: GroupMembers
}

export interface Role extends Stamps {
  /** 00E… */
  id: string
  developerName: string
  name: string
}

export interface FlowVersion extends Stamps {
  /** 301… */
  id: string
  number: number
  status: 'Active' | 'Draft' | 'Obsolete' | 'InvalidDraft'
  label: string
  /** The flow's metadata as JSON, in the member names of the Metadata API. */
  metadata: Record<string, unknown>
}

export interface Flow extends Stamps {
  /** 300… */
  id: string
  developerName: string
  namespace: string | null
  label: string
  description: string | null
  /** AutoLaunchedFlow (also record-triggered and scheduled), Flow (screen), Workflow (Process Builder). */
  processType: string
  /** RecordBeforeSave, RecordAfterSave, Scheduled …; null if nothing triggers it. */
  triggerType: string | null
  triggerObject: string | null
  /** Create, Update, CreateAndUpdate, Delete. */
  recordTriggerType: string | null
  triggerOrder: number | null
  activeVersion: number | null
  versions: FlowVersion[]
}

/** An interview that is paused or waiting. */
export interface FlowInterview extends Stamps {
  /** 0Fo… */
  id: string
  versionId: string
  label: string
  status: 'Paused' | 'Waiting'
  /** The element of the flow at which it stopped; null if not known. */
  currentElement: string | null
}

export interface WorkflowRule extends Stamps {
  /** 01Q… */
  id: string
  object: string
  name: string
  active: boolean
  description: string | null
  triggerType: string
  formula: string
  namespace: string | null
}

export interface AssignmentRule extends Stamps {
  /** 01Q… */
  id: string
  object: string
  name: string
  active: boolean
  entries: AssignmentRuleEntry[]
}

export interface AssignmentRuleEntry {
  /** Absent: nobody, the record keeps its owner. */
  assignedTo?: string
  assignedToType?: 'User' | 'Queue'
  criteriaItems: { field: string; operation: string; value: string }[]
  formula?: string
  booleanFilter?: string
}

export interface DuplicateRule extends Stamps {
  /** 0Bm… */
  id: string
  object: string
  developerName: string
  label: string
  active: boolean
  /** API names of the fields that must all be equal for two records to be duplicates. */
  matchFields: string[]
  /** What happens on insert and update; `alert` allows duplicates for callers who ask for it. */
  action: 'block' | 'alert'
  message: string
}

export interface ApexTrigger extends Stamps {
  /** 01q… */
  id: string
  name: string
  object: string
  active: boolean
  namespace: string | null
  events: string[]
  body: string
  apiVersion: number
}

export interface InstalledPackage {
  /** 033… of the package, 04t… of its version. */
  id: string
  versionId: string
  namespace: string
  name: string
  version: string
}

export interface Layout extends Stamps {
  /** 00h… */
  id: string
  object: string
  name: string
  namespace: string | null
  metadata: Record<string, unknown>
}

/** A quick action: of an object (`Account.New_Address`), or global (`NewTask`). */
export interface QuickAction extends Stamps {
  /** 09D… */
  id: string
  fullName: string
  metadata: Record<string, unknown>
}

export interface Tab extends Stamps {
  name: string
  metadata: Record<string, unknown>
}

/** An app of the App Launcher: an own one, or `standard__…`, which Salesforce gives to every org. */
export interface App extends Stamps {
  /** 02u… */
  id: string
  name: string
  metadata: Record<string, unknown>
}

export interface Session {
  token: string
  userId: string
  clientId: string
  scopes: string[]
  issuedAt: Date
  expiresAt: Date
}

export interface RefreshGrant {
  token: string
  userId: string
  clientId: string
  scopes: string[]
  issuedAt: Date
  lastUsedAt: Date
}

export interface Settings {
  sessionMinutes: number
  /** The state of the app in the org: an administrator may have blocked it, or not installed it. */
  app?: 'installed' | 'not_installed' | 'blocked'
  /**
   * Whether the address that redeems codes and refreshes tokens is on the app's allowlist. Default: yes.
   */
  refreshAddressAllowed?: boolean
  /** Milliseconds without use after which a refresh token ends; default: never. */
  refreshIdleMs?: number
  /** Each refresh issues a new refresh token and ends the old one. */
  rotateRefreshTokens: boolean
  apiEnabled: boolean
  /**
   * Production's "Deploy processes and flows as active"; default off. Elsewhere a flow is always
   * deployed with the status of its file.
   */
  deployFlowsAsActive?: boolean
  /** How long a request lasts before it counts as a long one; default Salesforce's 20 seconds. */
  longCallMs?: number
  /** How many long requests are allowed at once; default Salesforce's, by edition. */
  longCallsMax?: number
}

export type Row = Record<string, unknown> & { Id: string }

export interface Org {
  /** 00D…, 18 characters. */
  id: string
  name: string
  edition: 'Developer' | 'Enterprise' | 'Unlimited' | 'Professional'
  isSandbox: boolean
  language: string
  instanceName: string
  instanceUrl: string
  createdDate: Date
  ids: IdGenerator
  /** By lower-cased name, in the order in which describeGlobal lists them. */
  objects: Map<string, SObject>
  /** By lower-cased name. */
  globalValueSets: Map<string, GlobalValueSet>
  /** By lower-cased full name, without the `__mdt` of the type: `tier.gold`. */
  customMetadata: Map<string, CustomMetadataRecord>
  /** By lower-cased name. */
  customLabels: Map<string, CustomLabel>
  /** By lower-cased name. */
  customPermissions: Map<string, CustomPermission>
  users: Map<string, User>
  profiles: Map<string, Profile>
  permissionSets: Map<string, PermissionSet>
  /** By id. */
  permissionSetGroups: Map<string, PermissionSetGroup>
  assignments: PermissionSetAssignment[]
  groups: Group[]
  roles: Role[]
  /** By lower-cased name, prefixed with the namespace and `__` if there is one. */
  flows: Map<string, Flow>
  flowInterviews: FlowInterview[]
  workflowRules: WorkflowRule[]
  assignmentRules: AssignmentRule[]
  duplicateRules: DuplicateRule[]
  apexTriggers: ApexTrigger[]
  packages: InstalledPackage[]
  layouts: Layout[]
  /** By lower-cased full name. */
  quickActions: Map<string, QuickAction>
  tabs: Tab[]
  apps: App[]
  /** By lower-cased object name, then by id. */
  records: Map<string, Map<string, Row>>
  sessions: Map<string, Session>
  refreshGrants: Map<string, RefreshGrant>
  /** Refresh tokens that rotation has replaced: using one again ends the whole grant. */
  rotatedTokens: Map<string, RefreshGrant>
  /** API calls of the rolling 24 hours. */
  usage: { used: number; max: number }
  settings: Settings
  /** Changes with permissions, profiles and labels: then every describe counts as changed. */
  orgWideModifiedAt: Date
  /** Counts changes of permissions, so that cached describes can be distinguished. */
  permissionRevision: number
  schemaRevision: number
  /** State of the modules above, see kept.ts. */
  kept: Map<symbol, unknown>
}
